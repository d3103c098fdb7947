/**
 * The second factor: begun with the password, confirmed by a first code, turned off by both.
 * Layer: view.
 */

import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { CodeField } from "./code-field.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

/** Light modules around a QR code, that cameras find it. */
const QUIET = 4;

/** @param {{user: any}} props */
export function SecondFactor({ user }) {
  const { security } = useServices();
  const { begun, busy } = security;
  const submit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    const { password, code } = event.target.elements;
    const digits = code?.value.replaceAll(" ", "");
    if (user.totp) security.endSecondFactor(password.value, digits);
    else if (begun) security.confirmSecondFactor(digits);
    else security.beginSecondFactor(password.value);
  };
  const title = user.totp ? "Turn it off" : begun ? "Turn it on" : "Set it up…";
  return html`
    <form class="sign" novalidate id="second-factor" onSubmit=${submit} key=${title}>
      <h3>Codes of an authenticator app</h3>
      <p class="hint">${
        user.totp
          ? "Signing in asks for a code. Who loses the app asks an operator."
          : "With them a password alone lets nobody in."
      }</p>
      ${begun && !user.totp && html`<${Begun} begun=${begun} />`}
      ${
        !(begun && !user.totp) &&
        html`<label>Password <input name="password" type="password" autocomplete="current-password" maxlength="256" />
        </label>`
      }
      ${(user.totp || begun) && html`<${CodeField} />`}
      <button type="submit" class="plain" disabled=${busy}>${title}</button>
    </form>`;
}

/** @param {{begun: {secret: string, uri: string, qr: string}}} props */
function Begun({ begun: { secret, uri, qr } }) {
  return html`
    <p class="hint">Have the app read this, or type the secret into it; then give a code that it shows.</p>
    <${QrCode} lines=${qr.split("\n")} />
    <p class="secret"><code>${secret}</code></p>
    <p class="secret"><a href=${uri}>Open in an app of this device</a></p>`;
}

/** @param {{lines: readonly string[]}} props of 0, light, and 1, dark */
function QrCode({ lines }) {
  const size = lines.length + 2 * QUIET;
  const dark = lines.flatMap((line, y) =>
    [...line].flatMap((each, x) => (each === "1" ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])),
  );
  return html`
    <svg class="qr" viewBox=${`0 0 ${size} ${size}`} role="img" aria-label="QR code of the secret"
      shape-rendering="crispEdges"><rect width=${size} height=${size} fill="#fff" /><path d=${dark.join("")}
      fill="#000" /></svg>`;
}
