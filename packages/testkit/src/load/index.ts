export { createHttpLoad, type FastAnswers, type HttpLoad, type Latencies, postRequest } from "./http-load.ts";
export { type Pacer, startPacer } from "./pacer.ts";
