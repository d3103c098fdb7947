/**
 * What an order may have beyond side, type, price and quantity; folded away until wanted, and remembered so.
 * Layer: view.
 */

import { ORDER_TYPES, POST_ONLY_MODES, selfTradeModes, TIMES } from "../../model/ticket/order-types.js";
import { chosenOptions, timeInForce } from "../../model/ticket/ticket.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { useModel } from "../parts/use-model.js";
import { Field, Moment, Select } from "./ticket-fields.js";

/** @param {{problems: import("../../model/ticket/ticket.js").Problems}} props */
export function TicketOptions({ problems }) {
  const { market, entry, portfolio, workspace } = useServices();
  useModel(workspace, "layout");
  useModel(portfolio, "account");
  const { fields } = entry;
  const { options, times } = ORDER_TYPES[fields.type];
  const time = timeInForce(fields);
  const { quote = "", base = "" } = market.instrument ?? {};
  const chosen = chosenOptions(fields);
  return html`
    <details class="options" open=${workspace.recall("ticket.options", false)}
      onToggle=${(event) => workspace.remember("ticket.options", event.currentTarget.open)}>
      <summary><span>Options</span><span class="chosen">${chosen.join(" · ") || "none"}</span></summary>
      <div class="option-fields">
        <${Select} name="time_in_force" title="Lasts" value=${time}
          options=${times.map((name) => [name, TIMES[name].title])} problem=${problems.time_in_force} />
        ${time === "gtd" && html`<${Moment} name="expire_time" title="Ends at" problem=${problems.expire_time} />`}
        ${
          options.includes("post_only") &&
          html`
          <${Select} name="post_only" title="Post only" value=${fields.post_only}
            options=${Object.entries(POST_ONLY_MODES)} problem=${problems.post_only} />`
        }
        ${
          options.includes("display_quantity") &&
          html`
          <${Field} name="display_quantity" title="Show only" unit=${base} placeholder="all of it"
            problem=${problems.display_quantity} />`
        }
        ${
          options.includes("exits") &&
          html`
          <${Field} name="take_profit" title="Take profit" unit=${quote} placeholder="no exit"
            problem=${problems.take_profit} />
          <${Field} name="stop_loss" title="Stop loss" unit=${quote} placeholder="no exit"
            problem=${problems.stop_loss} />
          ${
            fields.stop_loss.trim() !== "" &&
            html`
            <${Field} name="stop_loss_limit" title="… its limit" unit=${quote} placeholder="at market"
              problem=${problems.stop_loss_limit} />`
          }`
        }
        <${Select} name="self_trade_prevention" title="Self-trade" value=${fields.self_trade_prevention}
          options=${selfTradeModes(portfolio.account, fields.self_trade_prevention)}
          problem=${problems.self_trade_prevention} />
      </div>
    </details>`;
}
