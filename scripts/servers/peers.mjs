import { fileURLToPath } from "node:url";
import { providePython } from "./python-environment.mjs";

/** Everything that the Python peers of `npm run bench:peers` run on, pinned to the last dependency: some 700 MB. */
export function providePeers(options) {
  const requirements = fileURLToPath(
    new URL("../../packages/loadtest/src/peers/python/requirements.txt", import.meta.url),
  );
  const title = "BentoML, Feast, FastAPI and ONNX Runtime:";
  const pip = ["--requirement", requirements];
  return providePython({ ...options, name: "peers", title, requirement: "bentoml", distribution: "bentoml", pip });
}
