/**
 * What is the account's own, and what explains the venue: one tab each.
 * Layer: view.
 */

import { Balances } from "../account/balances.js";
import { Profit } from "../account/profit.js";
import { Operator } from "../operator/operator.js";
import { Fills } from "../orders/fills.js";
import { OpenOrders, openOrdersCount } from "../orders/open-orders.js";
import { OrderHistory } from "../orders/order-history.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Tabs } from "../parts/tabs.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { Why } from "../why/why.js";
import { ApiLog } from "./api-log.js";

const COUNT_EVERY_MS = 200;

export function BottomPanel() {
  const { portfolio, workspace } = useServices();
  useModel(portfolio, "account", "switch");
  useModel(workspace, "layout");
  useModelSlowly(COUNT_EVERY_MS, portfolio, "orders");
  const tabs = [
    {
      name: "orders",
      title: "Open orders",
      count: openOrdersCount(portfolio, workspace),
      panel: html`<${OpenOrders} />`,
    },
    { name: "history", title: "Order history", panel: html`<${OrderHistory} />` },
    { name: "fills", title: "Fills", panel: html`<${Fills} />` },
    { name: "balances", title: "Balances", panel: html`<${Balances} />` },
    { name: "profit", title: "Profit", panel: html`<${Profit} />` },
    { name: "why", title: "Why", panel: html`<${Why} />` },
    { name: "api", title: "API", panel: html`<${ApiLog} />` },
  ];
  if (portfolio.account?.role === "operator")
    tabs.push({ name: "operator", title: "Operator", panel: html`<${Operator} />` });
  return html`
    <section class="panel bottom-panel" aria-label="Account and venue">
      <${Tabs} group="bottom" label="Account and venue" tabs=${tabs} />
    </section>`;
}
