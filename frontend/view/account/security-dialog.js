/**
 * Password, second factor and sessions of whoever is signed in.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";

import { PASSWORD_RULE } from "../../model/account/sessions.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result } from "../parts/text.js";
import { useDialog } from "../parts/use-dialog.js";
import { useModel } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";
import { CodeField } from "./code-field.js";
import { SecondFactor } from "./second-factor.js";
import { SessionList } from "./session-list.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

/** @param {{onClose: () => void}} props */
export function SecurityDialog({ onClose }) {
  const { access, security } = useServices();
  useModel(security, "change");
  const dialog = useDialog();
  useEffect(() => void security.open(), [security]);
  const { user, sessions, busy, result } = security;
  useEffect(() => {
    if (result.text) document.getElementById("security-result")?.scrollIntoView({ block: "nearest" });
  }, [result]);
  const leave = async () => {
    await access.signOutEverywhere();
    dialog.current.close();
  };
  return html`
    <dialog class="dialog security" id="security-dialog" ref=${dialog} aria-labelledby="security-title"
      onClose=${onClose}>
      <h2 id="security-title">${user?.guest === false ? "Password, codes, sessions" : "Where I am signed in"}</h2>
      ${user?.guest === false && html`<${Password} user=${user} /><${SecondFactor} user=${user} />`}
      <h3>Sessions</h3>
      <${SessionList} sessions=${sessions} busy=${busy} onEnd=${(id) => security.endSession(id)} />
      ${
        user?.guest === false &&
        html`<button type="button" class="quiet" data-do="everywhere" disabled=${busy} onClick=${leave}>Sign out
          everywhere</button>`
      }
      <${Result} id="security-result" ...${result} />
      <div class="dialog-actions"><button type="button" class="plain" autofocus
        onClick=${() => dialog.current.close()}>Close</button></div>
    </dialog>`;
}

/** @param {{user: any}} props */
function Password({ user }) {
  const { security } = useServices();
  const times = useTimes();
  const submit = async (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    const form = event.target;
    const { password, new_password, code } = form.elements;
    const typed = { password: password.value, new_password: new_password.value, ...(code && { code: code.value }) };
    if (await security.changePassword(typed)) form.reset();
  };
  return html`
    <form class="sign" novalidate onSubmit=${submit}>
      <h3>Password</h3>
      ${
        user.change_password_by !== null &&
        html`<p class="problem">The password you have ends ${times.whole(user.change_password_by)}: take another.</p>`
      }
      <p class="hint" id="password-rule">${PASSWORD_RULE} Your other sessions end with the change.</p>
      <input class="visually-hidden" name="username" autocomplete="username" value=${user.name} readonly
        tabindex="-1" aria-hidden="true" />
      <label>Current password <input name="password" type="password" autocomplete="current-password" maxlength="256" />
      </label>
      <label>New password <input name="new_password" type="password" autocomplete="new-password" maxlength="256"
        aria-describedby="password-rule" /></label>
      ${user.totp && html`<${CodeField} />`}
      <button type="submit" class="plain" disabled=${security.busy}>Change the password</button>
    </form>`;
}
