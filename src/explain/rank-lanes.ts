/** What a rank's own ports were busy with in a span of time. */
import type { Hop } from "./message-log.ts";
import { faultsCause, type Share } from "./part.ts";
import type { RunView } from "./run-view.ts";

/**
 * Shares of a span in which the busier one of a GPU's ports had something to send, by who had made
 * it; what a fault made its lane take longer stands beside it. In no order.
 */
export function actorsOut(view: RunView, actor: number, fromPs: number, untilPs: number): Share[] {
  const lists = view.lastSentBy(actor).map((last) => busyShares(view, last, fromPs, untilPs));
  const sumOf = (shares: readonly Share[]): number => shares.reduce((sum, { ps }) => sum + ps, 0);
  return lists.reduce((most, list) => (sumOf(list) > sumOf(most) ? list : most), []);
}

/** Of one lane, from the hop that was sent on it last. */
function busyShares(view: RunView, last: Hop, fromPs: number, untilPs: number): Share[] {
  const shares: Share[] = [];
  for (let hop: Hop | undefined = last; hop !== undefined; hop = view.hopOrNone(hop.ahead)) {
    if (Number.isNaN(hop.beganPs) || hop.beganPs >= untilPs) continue;
    if (hop.donePs <= fromPs) break;
    const { lane } = view.lane(hop.lane);
    const { origin, sizeBytes } = view.messageOf(hop);
    const [from, until] = [Math.max(hop.beganPs, fromPs), Math.min(hop.donePs, untilPs)];
    const requestsPs = Math.ceil(hop.requests * lane.psPerRequest);
    const healthyPs = hop.beganPs + requestsPs + Math.ceil(sizeBytes * lane.psPerByte);
    const slowPs = Math.max(0, until - Math.max(from, healthyPs));
    const cause = { type: "traffic", name: view.idOf(origin) } as const;
    shares.push({ cause, ps: until - from - slowPs, messages: 1, bytes: sizeBytes });
    const slow = view.ailment(hop)?.slow ?? [];
    if (slowPs > 0) shares.push({ cause: faultsCause(slow), ps: slowPs });
  }
  return shares;
}
