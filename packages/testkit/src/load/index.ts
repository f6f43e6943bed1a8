export { createHttpLoad, type FastAnswers, type HttpLoad, type Latencies, postRequest } from "./http-load.ts";
export { clockMs, type Pacer, startPacer } from "./pacer.ts";
