/**
 * Says when there is no account, and why, with the ways out of it. Nobody becomes somebody else by themself.
 * Layer: view.
 */

import { useState } from "preact/hooks";

import { describeNoSession } from "../../model/account/sessions.js";
import { describeFailure } from "../../model/parts/failures.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel } from "../parts/use-model.js";

export function SessionBanner() {
  const { access, workspace } = useServices();
  useModel(access, "session");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState("");
  const { state, why, profile } = access;
  const text = describeNoSession(state, why, profile);
  const becomeGuest = async () => {
    setBusy(true);
    setFailed("");
    try {
      await access.guest();
    } catch (failure) {
      setFailed(describeFailure(failure, "ask"));
    } finally {
      setBusy(false);
    }
  };
  return html`
    <p class="banner" id="session-banner" role="status" data-tone=${state === "signed_out" ? "plain" : "bad"}
      hidden=${text === ""}>
      <span>${failed || text}</span>
      <button type="button" class="plain" data-do="guest" disabled=${busy} onClick=${becomeGuest}>New guest</button>
      <button type="button" class="plain" data-do="login" onClick=${() => workspace.openAccount("login")}>Sign
        in</button>
    </p>`;
}
