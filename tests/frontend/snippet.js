/** Prints a call, given as JSON, as the API tab tells it: [curl, Python]. */
import { curlOf, pythonOf } from "../../frontend/model/shell/snippets.js";

const { call, origin, credentials } = JSON.parse(process.argv[2]);
console.log(JSON.stringify([curlOf(call, origin, credentials), pythonOf(call, origin, credentials)]));
