import { startRedis } from "@larder/testkit";
import { redisSuite } from "./redis-suite.ts";

// Through the unix socket, with a password and into another db: three more doors that every rule must hold behind.
const server = await startRedis({ program: "valkey", args: ["--requirepass", "s3cret/@"] });

redisSuite({
  name: "valkey (unix socket, password, db 3)",
  place: { connectionString: `unix://:s3cret%2F%40@${encodeURI(server.unixSocket)}?db=3` },
  gather: "script",
  kill: () => server.kill(),
  restart: () => server.restart(),
  stop: () => server.stop(),
});
