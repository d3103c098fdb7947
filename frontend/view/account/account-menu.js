/**
 * The account menu: who I am, the other accounts of this browser, signing in, up and out, a new guest.
 * Layer: view.
 */

import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { PASSWORD_RULE, SANDBOX } from "../../model/account/sessions.js";
import { describeFailure } from "../../model/parts/failures.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Result, Spoken } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useModel } from "../parts/use-model.js";
import { CodeField } from "./code-field.js";
import { SecurityDialog } from "./security-dialog.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

/** @typedef {"login" | "signup"} FormMode */
/** @typedef {{busy: boolean, run: (work: () => Promise<unknown>) => void, say: (text: string) => void}} Work */

/** @type {Readonly<Record<FormMode, {title: string, password: string, hint: string}>>} */
const FORM_WORDS = Object.freeze({
  login: { title: "Sign in", password: "current-password", hint: "With the name and password you signed up with." },
  signup: {
    title: "Sign up",
    password: "new-password",
    hint:
      `3 to 32 letters, digits and . _ - for a name. ${PASSWORD_RULE} ` +
      "A new account starts empty: deposit paper money then.",
  },
});
/** @type {Readonly<Record<string, string>>} */
const STATE_WORDS = Object.freeze({
  starting: "…",
  signed_out: "Sign in",
  refused: "Signed out",
  failed: "No account",
});

export function AccountMenu() {
  const { access, workspace } = useServices();
  useModel(access, "session", "sessions");
  /** @type {{current: HTMLElement}} */ const menu = useElement();
  const [open, setOpen] = useState(false);
  const [mode, setMode] = useState(/** @type {FormMode | null} */ (null));
  const [secure, setSecure] = useState(false);
  const { busy, said, say, run } = useWork(() => menu.current.hidePopover());
  useEffect(() => {
    const show = (/** @type {any} */ event) => {
      menu.current.showPopover();
      setMode(event.detail);
      say("");
    };
    const showSecurity = () => setSecure(true);
    workspace.addEventListener("account", show);
    workspace.addEventListener("security", showSecurity);
    return () => {
      workspace.removeEventListener("account", show);
      workspace.removeEventListener("security", showSecurity);
    };
  }, [workspace]);
  const onToggle = (/** @type {ToggleEvent} */ { newState }) => {
    setOpen(newState === "open");
    if (newState !== "open") setMode(null);
    say("");
  };
  const { session, state } = access;
  return html`
    <button type="button" class="account-button" id="account-button" popovertarget="account-menu" aria-haspopup="dialog"
      aria-expanded=${String(open)} data-state=${state} disabled=${state === "starting"}>
      <${Spoken}>Account: <//><span class="account-name">${session?.name ?? STATE_WORDS[state]}</span>
    </button>
    <div class="menu account-menu" id="account-menu" popover="auto" role="dialog" aria-label="Account" ref=${menu}
      onToggle=${onToggle}>
      <p class="menu-title account-who">${session?.name ?? "Not signed in"}</p>
      <p class="account-kind soft">${kindOf(session)}</p>
      <${Everybodys} busy=${busy} run=${run} />
      <${Others} busy=${busy} run=${run} />
      <div class="account-actions">
        <button type="button" class="plain" data-do="guest" disabled=${busy}
          onClick=${() => run(() => access.guest())}>New guest</button>
        ${
          /** @type {FormMode[]} */ (Object.keys(FORM_WORDS)).map(
            (name) => html`
          <button key=${name} type="button" class="plain" data-do=${name} aria-pressed=${String(mode === name)}
            disabled=${busy}
            onClick=${() => {
              setMode(name);
              say("");
            }}>${FORM_WORDS[name].title}…</button>`,
          )
        }
        ${
          session &&
          session !== SANDBOX &&
          html`<${SignOut} key=${`${session.session_id} ${open}`} session=${session}
          busy=${busy} run=${run} say=${say} />`
        }
      </div>
      ${
        session &&
        session !== SANDBOX &&
        html`<button type="button" class="plain" data-do="security" aria-haspopup="dialog"
        onClick=${() => {
          menu.current.hidePopover();
          workspace.showSecurity();
        }}>${session.guest ? "Where I am signed in…" : "Password, codes, sessions…"}</button>`
      }
      <button type="button" class="plain" data-do="notices" aria-haspopup="dialog"
        onClick=${() => {
          menu.current.hidePopover();
          workspace.showKeys();
        }}>Time zone, keys and notices…</button>
      ${mode && html`<${SignForm} key=${mode} mode=${mode} busy=${busy} run=${run} say=${say} />`}
      <${Result} tone="bad" text=${said} />
    </div>
    ${secure && session && html`<${SecurityDialog} key=${session.session_id} onClose=${() => setSecure(false)} />`}`;
}

/**
 * The account that programs trade with when they show no credentials, where there is one.
 * @param {Pick<Work, "busy" | "run">} props
 */
function Everybodys({ busy, run }) {
  const { access } = useServices();
  const { session, everybodys } = access;
  if (!everybodys) return null;
  return html`
    <div class="account-others">
      <h2>Of everybody</h2>
      <button type="button" class="account-entry" id="account-everybodys"
        aria-pressed=${String(session === everybodys)} disabled=${busy}
        title="What is asked without credentials, as by the README's curl, is asked for this account"
        onClick=${() => run(() => access.use(everybodys.session_id))}>
        <span>${everybodys.name}</span><span class="soft">no credentials</span>
      </button>
    </div>`;
}

/** The other accounts of this browser. @param {Pick<Work, "busy" | "run">} props */
function Others({ busy, run }) {
  const { access } = useServices();
  const { session, sessions } = access;
  if (sessions.length === 0) return null;
  return html`
    <div class="account-others">
      <h2>In this browser</h2>
      <ul class="account-list" aria-label="Accounts of this browser">
        ${sessions.map(
          (known) => html`
          <li key=${known.session_id}>
            <button type="button" class="account-entry"
              aria-pressed=${String(known.session_id === session?.session_id)} disabled=${busy}
              onClick=${() => run(() => access.use(known.session_id))}>
              <span>${known.name}</span><span class="soft">${known.guest ? "guest" : "user"}</span>
            </button>
          </li>`,
        )}
      </ul>
    </div>`;
}

/**
 * A guest is given up for good: asked twice.
 * @param {Work & {session: import("../../model/account/sessions.js").Session}} props
 */
function SignOut({ session, busy, run, say }) {
  const { access } = useServices();
  const [sure, setSure] = useState(false);
  const leave = () => {
    if (!session.guest || sure) return run(() => access.signOut());
    setSure(true);
    return say("A guest has no password: its orders stay, and nobody can come back to its money.");
  };
  return html`
    <button type="button" class="quiet" data-do="logout" disabled=${busy} onClick=${leave}>
      ${sure ? "Give up this guest for good" : "Sign out"}
    </button>`;
}

/**
 * A code is asked for where the venue wants one. With a password of a reset, the dialog that changes it opens.
 * @param {{mode: FormMode, busy: boolean, run: (work: () => Promise<void>) => void, say: (text: string) => void}} props
 */
function SignForm({ mode, busy, run, say }) {
  const { access, workspace } = useServices();
  /** @type {{current: HTMLFormElement}} */ const form = useElement();
  const [asksCode, setAsksCode] = useState(false);
  const { title, password, hint } = FORM_WORDS[mode];
  useLayoutEffect(() => fieldsOf(form.current).name.focus(), []);
  useLayoutEffect(() => {
    if (asksCode) fieldsOf(form.current).code.focus();
  }, [asksCode]);
  const signIn = async (/** @type {string} */ name, /** @type {string} */ secret, /** @type {string} */ code) => {
    try {
      const { change_password_by } = await access.signIn(name, secret, code);
      if (change_password_by !== null) workspace.showSecurity();
    } catch (failure) {
      if (failure.code === "CODE_NEEDED") setAsksCode(true);
      throw failure;
    }
  };
  const submit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    const elements = fieldsOf(form.current);
    const name = elements.name.value.trim();
    const secret = elements.password.value;
    if (!name || !secret) {
      say("Enter a name and a password.");
      elements[name ? "password" : "name"].focus();
      return;
    }
    const code = elements.code?.value.replaceAll(" ", "") ?? "";
    run(() => (mode === "signup" ? access.signUp(name, secret) : signIn(name, secret, code)));
  };
  return html`
    <form class="sign" novalidate ref=${form} onSubmit=${submit}>
      <p class="hint">${hint}</p>
      <label>Name <input name="name" autocomplete="username" autocapitalize="off" spellcheck=${false} maxlength="32" />
      </label>
      <label>Password <input name="password" type="password" autocomplete=${password} maxlength="256" /></label>
      ${asksCode && html`<${CodeField} />`}
      <button type="submit" class="send" disabled=${busy}>${title}</button>
    </form>`;
}

/** @param {HTMLFormElement} form @returns {Record<string, HTMLInputElement>} */
function fieldsOf({ elements }) {
  return /** @type {any} */ (elements);
}

/** One request at a time, and what became of it in words. @param {() => void} done is called when it succeeded */
function useWork(done) {
  const [busy, setBusy] = useState(false);
  const [said, say] = useState("");
  const run = async (/** @type {() => Promise<unknown>} */ work) => {
    if (busy) return;
    setBusy(true);
    say("");
    try {
      await work();
      done();
    } catch (failure) {
      say(describeFailure(failure, "ask"));
    } finally {
      setBusy(false);
    }
  };
  return { busy, said, say, run };
}

/** @param {import("../../model/account/sessions.js").Session | null} session */
function kindOf(session) {
  if (!session) return "You see the market; to trade, sign in or become a guest.";
  if (session === SANDBOX) return `Of everybody who shows no credentials · account ${session.account}`;
  return `${session.guest ? "Guest with paper money" : "Signed in"} · account ${session.account}`;
}
