/**
 * The account menu: who I am, the other accounts of this browser, signing in, up and out, a new guest.
 * Layer: view.
 */

import { describeFailure } from "../model/words.js";
import { element, setText } from "./cells.js";

/** @typedef {"login" | "signup"} FormMode */

const FORM_WORDS = Object.freeze({
  login: { title: "Sign in", password: "current-password", hint: "With the name and password you signed up with." },
  signup: {
    title: "Sign up",
    password: "new-password",
    hint: "3 to 32 letters, digits and . _ - for a name; at least 8 characters for a password. A new account starts empty: deposit paper money then.",
  },
});
const STATE_WORDS = Object.freeze({
  starting: "…",
  signed_out: "Sign in",
  refused: "Signed out",
  failed: "No account",
});

export class AccountMenu {
  #access;
  #button;
  #menu;
  #list;
  #form;
  #result;
  #signOut;
  /** @type {FormMode | null} */ #mode = null;
  #busy = false;
  /** A guest is given up for good: asked twice. */ #sure = false;

  /** @param {{button: HTMLElement, menu: HTMLElement}} elements @param {import("../net/access.js").Access} access */
  constructor({ button, menu }, access) {
    this.#access = access;
    this.#button = button;
    this.#menu = menu;
    this.#list = menu.querySelector(".account-list");
    this.#form = menu.querySelector("form");
    this.#result = menu.querySelector(".result");
    this.#signOut = menu.querySelector('[data-do="logout"]');
    for (const event of ["session", "sessions"]) access.addEventListener(event, () => this.#draw());
    for (const mode of ["login", "signup"]) menu.querySelector(`[data-do="${mode}"]`).addEventListener("click", () => this.#show(mode));
    menu.querySelector('[data-do="guest"]').addEventListener("click", () => this.#do(() => access.guest()));
    this.#signOut.addEventListener("click", () => this.#leave());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    menu.addEventListener("toggle", (event) => {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState === "open") this.#draw();
      else this.#show(null);
    });
    this.#draw();
  }

  /** @param {FormMode} mode */
  open(mode) {
    this.#menu.showPopover();
    this.#show(mode);
  }

  #draw() {
    const { session, state, sessions } = this.#access;
    setText(this.#button.querySelector(".account-name"), session?.name ?? STATE_WORDS[state]);
    this.#button.dataset.state = state;
    this.#button.disabled = state === "starting";
    setText(this.#menu.querySelector(".account-who"), session?.name ?? "Not signed in");
    setText(this.#menu.querySelector(".account-kind"), kindOf(session));
    const others = sessions.map((known) => this.#entry(known, known.session_id === session?.session_id));
    this.#list.replaceChildren(...others);
    this.#menu.querySelector(".account-others").hidden = sessions.length === 0;
    this.#signOut.hidden = !session;
    setText(this.#signOut, this.#sure ? "Give up this guest for good" : "Sign out");
    for (const control of this.#menu.querySelectorAll("button")) control.disabled = this.#busy;
  }

  /** @param {import("../model/sessions.js").Session} session @param {boolean} current */
  #entry(session, current) {
    const button = element("button", "account-entry");
    button.type = "button";
    button.setAttribute("aria-pressed", String(current));
    button.append(element("span", "", session.name), element("span", "soft", session.guest ? "guest" : "user"));
    button.addEventListener("click", () => this.#do(() => this.#access.use(session.session_id)));
    const item = element("li");
    item.append(button);
    return item;
  }

  /** @param {FormMode | null} mode */
  #show(mode) {
    this.#mode = mode;
    this.#sure = false;
    this.#form.hidden = mode === null;
    this.#say("");
    if (mode !== null) {
      const { title, password, hint } = FORM_WORDS[mode];
      setText(this.#form.querySelector(".send"), title);
      setText(this.#form.querySelector(".hint"), hint);
      this.#form.elements.password.autocomplete = password;
      this.#form.elements.name.focus();
    } else {
      this.#form.reset();
    }
    for (const choice of ["login", "signup"]) {
      this.#menu.querySelector(`[data-do="${choice}"]`).setAttribute("aria-pressed", String(mode === choice));
    }
    this.#draw();
  }

  #submit() {
    const name = this.#form.elements.name.value.trim();
    const password = this.#form.elements.password.value;
    if (!name || !password) {
      this.#say("Enter a name and a password.");
      this.#form.elements[name ? "password" : "name"].focus();
      return undefined;
    }
    const { signIn, signUp } = { signIn: () => this.#access.signIn(name, password), signUp: () => this.#access.signUp(name, password) };
    return this.#do(this.#mode === "signup" ? signUp : signIn);
  }

  #leave() {
    if (this.#access.session?.guest && !this.#sure) {
      this.#sure = true;
      this.#say("A guest has no password: its orders stay, and nobody can come back to its money.");
      this.#draw();
      return undefined;
    }
    this.#sure = false;
    return this.#do(() => this.#access.signOut());
  }

  /** @param {() => Promise<void>} work closes the menu when it has succeeded */
  async #do(work) {
    if (this.#busy) return;
    this.#busy = true;
    this.#say("");
    this.#draw();
    try {
      await work();
      this.#menu.hidePopover();
    } catch (failure) {
      this.#say(describeFailure(failure, "ask"));
    } finally {
      this.#busy = false;
      this.#draw();
    }
  }

  /** @param {string} text */
  #say(text) {
    setText(this.#result, text);
    this.#result.dataset.tone = "bad";
  }
}

/** @param {import("../model/sessions.js").Session | null} session */
function kindOf(session) {
  if (!session) return "You see the market; to trade, sign in or become a guest.";
  return `${session.guest ? "Guest with paper money" : "Signed in"} · account ${session.account}`;
}
