/**
 * Composition root: who we are, the server's two faces, the models between them, and the page that draws them.
 */

import { render } from "preact";

import { Address } from "./stores/symbol-address.js";
import { ApiCredentials } from "./stores/credentials.js";
import { ApiLog } from "./stores/api-log.js";
import { Charting } from "./stores/candles.js";
import { Desk } from "./stores/market.js";
import { Explaining } from "./stores/explanations.js";
import { VenueClock } from "./model/shell/venue-clock.js";
import { Access } from "./net/access.js";
import { Api } from "./net/api.js";
import { ClientOrderIds } from "./net/client-order-ids.js";
import { Feed } from "./net/feed.js";
import { Http } from "./net/http.js";
import { Preferences } from "./net/preferences.js";
import { Vault } from "./net/vault.js";
import { Operating } from "./stores/operator.js";
import { OrderEntry } from "./stores/order-entry.js";
import { Portfolio } from "./stores/portfolio.js";
import { App } from "./view/shell/app.js";
import { html } from "./view/parts/html.js";
import { Services } from "./view/parts/services.js";
import { Workspace } from "./stores/workspace.js";

const http = new Http();
const clock = new VenueClock();
const log = new ApiLog(http, clock);
const access = new Access(http, new Vault(() => localStorage, () => sessionStorage));
const api = new Api(http, access);
const credentials = new ApiCredentials(api, access);
const feed = new Feed(access);
const portfolio = new Portfolio(api, feed, access, new ClientOrderIds(() => localStorage));
const workspace = new Workspace(new Preferences(() => localStorage));
const charting = new Charting(api, feed, workspace);
const desk = new Desk(api, feed, portfolio, charting, clock);
const entry = new OrderEntry(desk, () => workspace.times);
const explaining = new Explaining(api, portfolio);
const operating = new Operating(api, portfolio);
const services = Object.freeze({ access, api, charting, credentials, desk, entry, explaining, log, operating, portfolio, workspace });

render(html`<${Services.Provider} value=${services}><${App} /><//>`, document.getElementById("app"));

workspace.addEventListener("zone", ({ detail }) => entry.keepMoment(detail));

desk.start(new Address(desk, window).name, access.start());
