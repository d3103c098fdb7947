/**
 * What is the account's own, and what explains the venue: one tab each.
 * Layer: view.
 */

import { ApiLog } from "./api-log.js";
import { Balances } from "./balances.js";
import { Fills } from "./fills.js";
import { html } from "./html.js";
import { OpenOrders, openOrdersCount } from "./open-orders.js";
import { Operator } from "./operator.js";
import { OrderHistory } from "./order-history.js";
import { Profit } from "./profit.js";
import { useServices } from "./services.js";
import { Tabs } from "./tabs.js";
import { useModel, useModelSlowly } from "./use-model.js";
import { Why } from "./why.js";

const COUNT_EVERY_MS = 200;

export function BottomPanel() {
  const { portfolio, workspace } = useServices();
  useModel(portfolio, "account", "switch");
  useModel(workspace, "layout");
  useModelSlowly(COUNT_EVERY_MS, portfolio, "orders");
  const tabs = [
    { name: "orders", title: "Open orders", count: openOrdersCount(portfolio, workspace), panel: html`<${OpenOrders} />` },
    { name: "history", title: "Order history", panel: html`<${OrderHistory} />` },
    { name: "fills", title: "Fills", panel: html`<${Fills} />` },
    { name: "balances", title: "Balances", panel: html`<${Balances} />` },
    { name: "profit", title: "Profit", panel: html`<${Profit} />` },
    { name: "why", title: "Why", panel: html`<${Why} />` },
    { name: "api", title: "API", panel: html`<${ApiLog} />` },
  ];
  if (portfolio.account?.role === "operator") tabs.push({ name: "operator", title: "Operator", panel: html`<${Operator} />` });
  return html`
    <section class="panel bottom-panel" aria-label="Account and venue">
      <${Tabs} group="bottom" label="Account and venue" tabs=${tabs} />
    </section>`;
}
