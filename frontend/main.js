/**
 * Composition root: who we are, the server's two faces, desk and portfolio between them, one view for each panel.
 */

import { Desk } from "./desk.js";
import { Access } from "./net/access.js";
import { Api } from "./net/api.js";
import { ClientOrderIds } from "./net/client-order-ids.js";
import { Feed } from "./net/feed.js";
import { Http } from "./net/http.js";
import { Vault } from "./net/vault.js";
import { Portfolio } from "./portfolio.js";
import { AccountMenu } from "./view/account-menu.js";
import { BalancesView } from "./view/balances.js";
import { DepthLadder } from "./view/depth-ladder.js";
import { FillsView } from "./view/fills.js";
import { InstrumentBar } from "./view/instrument-bar.js";
import { LinkStatus } from "./view/link-status.js";
import { OpenOrders } from "./view/open-orders.js";
import { OrderTicket } from "./view/order-ticket.js";
import { SessionBanner } from "./view/session-banner.js";
import { TapeView } from "./view/tape.js";

const byId = (id) => document.getElementById(id);

const http = new Http();
const access = new Access(http, new Vault(() => localStorage, () => sessionStorage));
const api = new Api(http, access);
const feed = new Feed(access);
const portfolio = new Portfolio(api, feed, access, new ClientOrderIds(() => localStorage));
const desk = new Desk(api, feed, portfolio);

const menu = new AccountMenu({ button: byId("account-button"), menu: byId("account-menu") }, access);
new SessionBanner(byId("session-banner"), access, menu);
new InstrumentBar(byId("bar"), desk);
new LinkStatus(
  { pill: byId("pill"), banner: byId("banner"), area: byId("desk"), status: byId("status"), notice: byId("notice") },
  desk,
);
new TapeView(byId("tape"), desk);
new OpenOrders(document.querySelector(".orders-panel"), portfolio, desk);
new FillsView(byId("fills"), portfolio);
new BalancesView(document.querySelector(".balances-panel"), portfolio, desk);
const ticket = new OrderTicket(byId("ticket"), desk, () => menu.open("login"));
const ladder = new DepthLadder(byId("ladder"), desk);
ladder.onPick = (price) => ticket.takePrice(price);

// The symbol is in the address, so that it can be linked to and survives a reload.
desk.addEventListener("symbol", () => history.replaceState(null, "", `#${desk.instrument.symbol}`));
await access.start();
desk.start(decodeURIComponent(location.hash.slice(1)));
