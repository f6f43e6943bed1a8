#!/usr/bin/env node
// The installed command. It stands beside dist, so that package managers can link it before the first build.
import "../dist/src/cli/main.js";
