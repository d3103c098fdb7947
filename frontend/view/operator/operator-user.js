/**
 * The user of an account, for an operator: whether they may sign in, as what, and where they are signed in.
 * Layer: view.
 */

import { SessionList } from "../account/session-list.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";

/** @typedef {{ask: (question: import("../parts/confirm-dialog.js").Question) => void}} Asking */

const ENDS = "Their sessions, API keys and feed connections end at once.";

/** @param {Asking} props */
export function OperatorUser({ ask }) {
  const { operator } = useServices();
  const { user: found, given, busy } = operator;
  if (!found) return null;
  const { user, sessions, keys } = found;
  return html`
    <section class="operator-card" id="operator-user">
      <h3>User ${user.name} ${user.disabled && html`<span class="state" data-state="halted">Disabled</span>`}</h3>
      <p>${keys.length === 1 ? "1 API key" : `${keys.length} API keys`}, ${user.totp ? "codes on" : "no codes"}</p>
      ${
        given &&
        html`<p>New password, good for a day and shown this once:
          <code id="given-password">${given.password}</code></p>`
      }
      <${Commands} user=${user} busy=${busy} ask=${ask} />
      <${SessionList} sessions=${sessions} busy=${busy} onEnd=${(id) => operator.endSession(id)} />
    </section>`;
}

/** @param {Asking & {user: any, busy: boolean}} props */
function Commands({ user, busy, ask }) {
  const { access, operator } = useServices();
  const { name } = user;
  const isOwn = name === access.session?.name; // whom another operator resets
  const asks = (/** @type {string} */ title, /** @type {string} */ yes, /** @type {() => unknown} */ act) => () =>
    ask({ title, text: ENDS, yes, act });
  /** @type {[string, string, () => unknown][]} */
  const commands = [
    ["revoke", "Sign out everywhere", asks(`Sign ${name} out?`, "Sign them out", () => operator.changeUser("revoke"))],
    user.disabled
      ? ["enable", "Enable", () => operator.changeUser("enable")]
      : ["disable", "Disable", asks(`Disable ${name}?`, "Disable them", () => operator.changeUser("disable"))],
  ];
  if (!user.guest) {
    commands.push(
      user.role === "operator"
        ? ["demote", "Make a trader", asks(`No operator: ${name}?`, "Demote them", () => operator.changeUser("demote"))]
        : [
            "promote",
            "Make an operator",
            asks(`Make ${name} an operator?`, "Promote them", () => operator.changeUser("promote")),
          ],
    );
  }
  if (!user.guest && !isOwn) {
    commands.push([
      "password",
      "Reset password",
      asks(`Another password for ${name}?`, "Reset it", () => operator.resetPassword()),
    ]);
    if (user.totp)
      commands.push([
        "reset_totp",
        "Reset codes",
        asks(`No codes for ${name}?`, "Reset them", () => operator.changeUser("reset_totp")),
      ]);
  }
  return html`
    <p class="operator-actions">
      ${commands.map(
        ([action, title, act]) => html`
        <button key=${action} type="button" class=${action === "enable" ? "plain" : "quiet"} data-user=${action}
          disabled=${busy} onClick=${act}>${title}</button>`,
      )}
    </p>`;
}
