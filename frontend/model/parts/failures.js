/**
 * Why a request failed, in words a trader can act on.
 * Layer: model.
 */

import { grouped } from "./decimal.js";
import { REJECT_SENTENCES } from "./reasons.js";

/** The status of HTTP by which the venue asks for patience. */
export const TOO_MANY_REQUESTS = 429;
/** What was not done, before the venue's own sentence. */
const REFUSED = Object.freeze({
  order: "Rejected: ",
  cancel: "Not cancelled: ",
  amend: "Not amended: ",
  deposit: "Not deposited: ",
  withdraw: "Not withdrawn: ",
  ask: "",
});
const UNKNOWN = Object.freeze({
  order:
    "No answer came, so the order may or may not have been taken. " +
    "Send it again: it carries the same id and can't be entered twice.",
  cancel: "No answer came, so the order may or may not be cancelled.",
  amend: "No answer came, so the order may or may not be amended: look at its row.",
  withdraw: "No answer came, so the money may or may not be gone: look at the balances.",
  deposit: "No answer came, so the money may or may not be there: look at the balances.",
  ask: "No answer came from the server. Try again in a moment.",
});
/**
 * Where the page can say more than the server: of rejects, and of refusals that are none.
 * @type {Readonly<Record<string, string>>}
 */
const SENTENCES = Object.freeze({
  ...REJECT_SENTENCES,
  TOO_MANY_REQUESTS: "that is more than the venue takes just now: too many requests, or attempts to sign in.",
  HISTORY_BEHIND: "the venue's history has not caught up. It is asked again in a moment.",
  ONRAMP_OFF: "deposits are made by the venue's operator here.",
  UNAUTHENTICATED: "sign in first.",
  SESSION_ENDED: "the session is over; sign in again.",
  BAD_REFRESH_TOKEN: "the session is over; sign in again.",
  REFRESH_TOKEN_REUSED: "the session is over; sign in again.",
});

/**
 * A failed request, in words a trader can act on.
 * @param {import("../types.js").Failure} failure
 * @param {"order" | "cancel" | "amend" | "deposit" | "withdraw" | "ask"} [what] was asked for
 */
export function describeFailure(failure, what = "order") {
  if (failure.kind === "no_answer") return UNKNOWN[what];
  if (failure.kind === "not_accepting") return what === "ask" ? failure.message : `Not taken: ${failure.message}`;
  return REFUSED[what] ? REFUSED[what] + withinSentence(sentenceOf(failure)) : describeRefusal(failure);
}

/**
 * A sentence of the venue's that goes on after a colon; a name that begins it stays as it is.
 * @param {string} sentence
 */
export function withinSentence(sentence) {
  return /^(?:A|An|It|Its|The|There|This|That) /.test(sentence)
    ? sentence.charAt(0).toLowerCase() + sentence.slice(1)
    : sentence;
}

/**
 * Why something the page asks for by itself is not there yet.
 * @param {import("../types.js").Failure} failure
 */
export function describeDelay(failure) {
  if (failure.kind === "refused" && failure.status !== TOO_MANY_REQUESTS) return describeRefusal(failure);
  const why = failure.kind === "refused" ? "The venue asks us to slow down." : failure.message;
  return `${why} It is asked again by itself.`;
}

/**
 * A refusal on its own, as a sentence.
 * @param {{code: string, details?: any, message: string}} refusal
 */
export function describeRefusal(refusal) {
  const said = sentenceOf(refusal);
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** @param {{code: string, details?: any, message: string, status?: number, retryAfterMs?: number | null}} refusal */
function sentenceOf({ code, details, message, status, retryAfterMs }) {
  if (code === "DEPOSIT_LIMIT_EXCEEDED") {
    const most = details?.limit ? `${grouped(details.limit)} ` : "so much ";
    return `an account may deposit only ${most}${details?.asset ?? "of an asset"} in all, and this would be more.`;
  }
  if (status === TOO_MANY_REQUESTS) {
    const why = SENTENCES[code] ?? (code ? message : "that is more than the venue takes at once.");
    return `${why} ${whenAgain(retryAfterMs)}`;
  }
  return SENTENCES[code] ?? message;
}

/** @param {number | null | undefined} retryAfterMs */
function whenAgain(retryAfterMs) {
  return retryAfterMs ? `Try again in ${Math.ceil(retryAfterMs / 1_000)} s.` : "Try again in a moment.";
}
