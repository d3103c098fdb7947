/**
 * What the code of the API tab shows as credentials: makes a token or an API key for the account that asked, covers it
 * until one wants to see it, and ends it.
 * Layer: view.
 */

import { useState } from "preact/hooks";

import { describeFailure } from "../../model/parts/failures.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useModel } from "../parts/use-model.js";

/**
 * @param {{asker: {name: string, account: string, session_id: string}, seen: boolean, see: (seen: boolean) => void,
 *   onMake: () => void}} props `onMake`: called before what is a call itself
 */
export function ApiCredentials({ asker, seen, see, onMake }) {
  const { credentials } = useServices();
  useModel(credentials, "change");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState("");
  const { name, session_id: sessionId } = asker;
  const made = credentials.of(sessionId);
  const run = async (/** @type {() => Promise<unknown>} */ work) => {
    setBusy(true);
    setFailed("");
    see(false);
    onMake();
    try {
      await work();
    } catch (failure) {
      setFailed(describeFailure(failure, "ask"));
    } finally {
      setBusy(false);
    }
  };
  return html`
    <div class="api-credentials" id="api-credentials" role="group" aria-label=${`Credentials of ${name}`}>
      <p class="soft">${sentenceOf(made, name, credentials.mayMake(sessionId))}</p>
      ${
        made
          ? html`
          <button type="button" class="plain" aria-pressed=${String(seen)} data-do="see" onClick=${() => see(!seen)}>
            ${seen ? "Cover it" : "Show it"}</button>
          <button type="button" class="plain" data-do="end" disabled=${busy}
            onClick=${() => run(() => credentials.end(sessionId))}>${made.kind === "key" ? "End the key" : "Forget it"}
            </button>`
          : html`
          <button type="button" class="plain" data-do="token" disabled=${busy || !credentials.mayMake(sessionId)}
            onClick=${() => run(() => credentials.makeToken(sessionId))}>Make a token</button>
          <button type="button" class="plain" data-do="key" disabled=${busy || !credentials.mayMake(sessionId)}
            onClick=${() => run(() => credentials.makeKey(sessionId))}>Make an API key</button>`
      }
      <${Result} tone="bad" text=${failed} />
    </div>`;
}

/** @param {import("../../stores/credentials.js").Made | null} made @param {string} name @param {boolean} may */
function sentenceOf(made, name, may) {
  if (made?.kind === "key")
    return `The code signs with an API key of ${
      name
    }, which may look and trade until it is ended. It is shown here alone, until the page is left.`;
  if (made)
    return `The code shows a token of ${name}, good for ${Math.max(
      1,
      Math.round((made.goodUntilMs - performance.now()) / 60_000),
    )} minutes. Whoever has it is ${name}.`;
  if (!may) return `${name} is not signed in here any more: the code reads a token from OPENBELL_TOKEN.`;
  return `To run it as ${
    name
  }, make a token for some minutes or a key for programs that stay. Without one the code reads OPENBELL_TOKEN.`;
}
