/**
 * Composition root: the server's two faces, the desk between them, one view for each panel.
 */

import { Desk } from "./desk.js";
import { Api } from "./net/api.js";
import { Feed } from "./net/feed.js";
import { ClientOrderIds } from "./net/identity.js";
import { DepthLadder } from "./view/depth-ladder.js";
import { FillsView } from "./view/fills.js";
import { InstrumentBar } from "./view/instrument-bar.js";
import { LinkStatus } from "./view/link-status.js";
import { OpenOrders } from "./view/open-orders.js";
import { OrderTicket } from "./view/order-ticket.js";
import { TapeView } from "./view/tape.js";

const byId = (id) => document.getElementById(id);

const desk = new Desk(new Api(), new Feed(), new ClientOrderIds(() => localStorage));

new InstrumentBar(byId("bar"), desk);
new LinkStatus(
  { pill: byId("pill"), banner: byId("banner"), area: byId("desk"), status: byId("status"), notice: byId("notice") },
  desk,
);
new TapeView(byId("tape"), desk);
new OpenOrders(document.querySelector(".orders-panel"), desk);
new FillsView(byId("fills"), desk);
const ticket = new OrderTicket(byId("ticket"), desk);
const ladder = new DepthLadder(byId("ladder"), desk);
ladder.onPick = (price) => ticket.takePrice(price);

// The symbol is in the address, so that it can be linked to and survives a reload.
desk.addEventListener("symbol", () => history.replaceState(null, "", `#${desk.instrument.symbol}`));
desk.start(decodeURIComponent(location.hash.slice(1)));
