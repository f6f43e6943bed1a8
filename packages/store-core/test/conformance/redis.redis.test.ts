import { oneServer, redisSuite } from "./redis-suite.ts";

for (const gather of ["script", "pipeline"] as const) redisSuite(await oneServer(`redis (${gather})`, { gather }), 6);
