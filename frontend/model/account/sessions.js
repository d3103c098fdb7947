/**
 * The accounts this browser is signed in with: a list that is folded, written and read as text.
 *
 * Layer: model. Where the text is kept is the business of net/saved-sessions.js.
 */

/**
 * @typedef {object} Session
 * @property {string} session_id
 * @property {string} account
 * @property {string} name
 * @property {boolean} guest
 * @property {string} [refresh_token] of before there were cookies: exchanged for one with the next refresh
 */

/** @typedef {{sessions: Session[], last: string | null}} Signed `last`: the session that a new tab starts with */

/**
 * The account of whoever shows no credentials to a sandbox: everybody's, so it needs no token and is never signed in
 * to.
 * @type {Session}
 */
export const SANDBOX = Object.freeze({
  session_id: "sandbox",
  account: "1",
  name: "sandbox",
  guest: false,
});

/** What the venue takes for a new password, said before one is typed. */
export const PASSWORD_RULE =
  "A password has 12 characters or more: none of the most common ones, not with digits around it, and not the name.";

/** @type {Readonly<Signed>} */
export const NOBODY = Object.freeze({ sessions: [], last: null });

/**
 * @param {string | null} text what was kept
 * @returns {Signed | null} null on first sight, and when the text is none of ours
 */
export function parseSigned(text) {
  try {
    const { sessions, last } = JSON.parse(text ?? "null");
    const good = sessions.filter((/** @type {any} */ session) => typeof session.session_id === "string");
    const known =
      last === SANDBOX.session_id || good.some((/** @type {Session} */ { session_id }) => session_id === last);
    return { sessions: good, last: known ? last : null };
  } catch {
    return null;
  }
}

/**
 * With a session that was opened or renewed, in its place; a user who signs in again takes the place of the older
 * session.
 * @param {Signed} signed
 * @param {Session & Record<string, unknown>} answer of signup, login, guest or refresh
 * @returns {Signed}
 */
export function withSession(signed, { session_id, account, name, guest }) {
  const session = { session_id, account: String(account), name, guest };
  const at = signed.sessions.findIndex((known) => known.session_id === session_id || known.account === session.account);
  const sessions = at < 0 ? [...signed.sessions, session] : signed.sessions.with(at, session);
  return { sessions, last: signed.last };
}

/** @param {Signed} signed @param {string} sessionId @returns {Signed} */
export function withoutSession(signed, sessionId) {
  const sessions = signed.sessions.filter(({ session_id }) => session_id !== sessionId);
  return { sessions, last: signed.last === sessionId ? null : signed.last };
}

/** @param {Signed} signed @param {string | null} sessionId @returns {Session | undefined} */
export function sessionOf(signed, sessionId) {
  return signed.sessions.find(({ session_id }) => session_id === sessionId);
}

/**
 * Why there is no account, as a sentence; "" when there is one.
 * @param {string} state of Access
 * @param {{code: string, message: string, session?: {name: string, guest: boolean}}} why
 * @param {string} profile
 */
export function describeNoSession(state, why, profile) {
  if (state === "refused") {
    const { name, guest } = /** @type {{name: string, guest: boolean}} */ (why.session);
    const how = why.code === "ENDED_ELSEWHERE" ? "was ended in another tab" : "was ended from elsewhere, or ran out";
    const next = guest ? "A guest can't sign in again; a new guest starts afresh." : "Sign in again to go on.";
    return `The session of ${name} ${how}. ${next}`;
  }
  if (state === "failed") return `There is no guest account for you just now: ${why.message}`;
  if (state === "signed_out") {
    return profile === "secured"
      ? "You see the market. To trade, sign in."
      : "You are signed out. You see the market, and no account.";
  }
  return "";
}
