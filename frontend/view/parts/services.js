/**
 * What every view may use, handed down once by main.js: the models it reads and the commands it gives.
 * Layer: view.
 */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

/**
 * @typedef {object} ServicesValue
 * @property {import("../../net/access.js").Access} access who this tab is
 * @property {import("../../net/api.js").Api} api for what no model keeps
 * @property {import("../../stores/candles.js").CandleStore} candleStore the candles of the shown symbol
 * @property {import("../../stores/credentials.js").CredentialStore} credentials tokens and keys for programs
 * @property {import("../../stores/market.js").MarketStore} market the market looked at
 * @property {import("../../net/nodes.js").Nodes} nodes which node of the venue is asked
 * @property {import("../../stores/order-entry.js").OrderEntryStore} entry what is in the ticket
 * @property {import("../../stores/explanations.js").ExplanationStore} explanations what the Why tab shows
 * @property {import("../../stores/faults.js").FaultStore} faults those that were asked for
 * @property {import("../../stores/api-log.js").ApiLogStore} log the calls of this page
 * @property {import("../../stores/operator.js").OperatorStore} operator what operators see and do
 * @property {import("../../stores/portfolio.js").PortfolioStore} portfolio the account's own
 * @property {import("../../stores/security.js").SecurityStore} security password, second factor and sessions
 * @property {import("../../stores/workspace.js").WorkspaceStore} workspace tabs, theme, what panels ask of each other
 */

/** @type {import("preact").Context<ServicesValue>} */
export const Services = createContext(/** @type {any} */ (null));

/** @returns {ServicesValue} */
export function useServices() {
  return useContext(Services);
}
