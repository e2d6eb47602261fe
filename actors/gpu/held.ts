/**
 * What comes for a GPU whose process hangs: messages (RDMA writes land without it) and reminders,
 * kept in the order of their arrival until it goes on. Empty and untouched while the GPU is well.
 */
import type { ActorContext } from "../../src/model/actor.ts";
import type { Packet } from "../../src/model/packet.ts";

/** Who handles what was held. */
export interface HeldHost {
  arrived(context: ActorContext, packet: Packet): void;
  reminded(context: ActorContext, tag: number, value: number): void;
}

/** Tag of an entry that is a message; reminders have tags from 1 on. */
const MESSAGE = 0;

export class Held {
  /** Two numbers an entry: tag and value of a reminder, or {@link MESSAGE} and its packet. */
  #entries: number[] = [];

  message(packet: Packet): void {
    this.#entries.push(MESSAGE, packet);
  }

  reminder(tag: number, value: number): void {
    this.#entries.push(tag, value);
  }

  /** Has everything handled, first come first. */
  release(context: ActorContext, host: HeldHost): void {
    const entries = this.#entries;
    this.#entries = [];
    for (let at = 0; at < entries.length; at += 2) {
      if (entries[at] === MESSAGE) host.arrived(context, entries[at + 1]);
      else host.reminded(context, entries[at], entries[at + 1]);
    }
  }

  /** Gives the messages back unread and forgets the reminders. */
  drop(context: ActorContext): void {
    for (let at = 0; at < this.#entries.length; at += 2) {
      if (this.#entries[at] === MESSAGE) context.packets.free(this.#entries[at + 1]);
    }
    this.#entries = [];
  }
}
