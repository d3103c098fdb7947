/**
 * Composition root: who we are, the server's two faces, the models between them, and the page that draws them.
 */

import { render } from "preact";
import { VenueClock } from "./model/shell/venue-clock.js";
import { Access } from "./net/access.js";
import { Api } from "./net/api.js";
import { ClientOrderIds } from "./net/client-order-ids.js";
import { Feed } from "./net/feed.js";
import { Http } from "./net/http.js";
import { Nodes } from "./net/nodes.js";
import { Preferences } from "./net/preferences.js";
import { SavedSessions } from "./net/saved-sessions.js";
import { ApiLogStore } from "./stores/api-log.js";
import { CandleStore } from "./stores/candles.js";
import { CredentialStore } from "./stores/credentials.js";
import { ExplanationStore } from "./stores/explanations.js";
import { FaultStore } from "./stores/faults.js";
import { MarketStore } from "./stores/market.js";
import { OperatorStore } from "./stores/operator.js";
import { OrderEntryStore } from "./stores/order-entry.js";
import { PortfolioStore } from "./stores/portfolio.js";
import { SecurityStore } from "./stores/security.js";
import { SymbolAddress } from "./stores/symbol-address.js";
import { WorkspaceStore } from "./stores/workspace.js";
import { html } from "./view/parts/html.js";
import { Services } from "./view/parts/services.js";
import { App } from "./view/shell/app.js";

const nodes = new Nodes(given("venue-nodes", "[]"), location.origin);
const http = new Http(nodes);
const clock = new VenueClock();
const log = new ApiLogStore(http, clock);
const access = new Access(
  http,
  new SavedSessions(
    () => localStorage,
    () => sessionStorage,
  ),
);
const api = new Api(http, access, nodes);
const credentials = new CredentialStore(api, access);
const feed = new Feed(access, nodes);
const portfolio = new PortfolioStore(api, feed, access, new ClientOrderIds(() => localStorage));
const workspace = new WorkspaceStore(new Preferences(() => localStorage));
const candleStore = new CandleStore(api, feed, workspace);
const faults = new FaultStore(api, portfolio);
const market = new MarketStore(api, feed, portfolio, candleStore, clock, given("venue-rules", "{}"), faults, nodes);
const entry = new OrderEntryStore(market, () => workspace.times);
const explanations = new ExplanationStore(api, portfolio);
const operator = new OperatorStore(api, portfolio);
const security = new SecurityStore(api);
const services = Object.freeze({
  access,
  api,
  candleStore,
  credentials,
  market,
  nodes,
  entry,
  explanations,
  faults,
  log,
  operator,
  portfolio,
  security,
  workspace,
});

/** What the server put into the page. @param {string} name @param {string} otherwise JSON */
function given(name, otherwise) {
  return JSON.parse(document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? otherwise);
}

render(
  html`<${Services.Provider} value=${services}><${App} /><//>`,
  /** @type {HTMLElement} */ (document.getElementById("app")),
);

workspace.addEventListener("zone", (event) => {
  entry.keepMoment(/** @type {CustomEvent<import("./model/parts/times.js").Times>} */ (event).detail);
});

market.start(new SymbolAddress(market, window).name, access.start());
