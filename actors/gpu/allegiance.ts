/**
 * Whose orders a rank heeds, and how far they have come: those of the controller that was started
 * last, epoch by epoch. A new controller that counts anew is to be told.
 */
import { Order } from "../../src/model/membership.ts";
import type { OrderText } from "./controller-line.ts";

export class Allegiance {
  /** The last epoch that the rank was ordered into. */
  ordered = 0;
  /** Of the controller whose orders it heeds: how often that has begun anew. */
  #life = 0;

  /**
   * What an order is: to be heeded; late, of an earlier controller or epoch; or stale, of a new
   * controller that does not know how far the one before it had come.
   */
  judge(order: number, { life, epoch }: OrderText): "heed" | "late" | "stale" {
    if (life < this.#life || (life === this.#life && epoch < this.ordered)) return "late";
    if (order === Order.over) return "heed";
    if (life > this.#life && epoch <= this.ordered) return "stale";
    this.#life = life;
    return "heed";
  }

  /** The rank knows nothing any more. */
  forget(): void {
    this.ordered = 0;
    this.#life = 0;
  }
}
