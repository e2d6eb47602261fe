/**
 * Experts that are more popular than their gate says (fault `hot-expert`): a share of all tokens
 * chooses them in place of its last choice. Which tokens is a function of the run's seed and of the
 * token alone, so it does not depend on what else happened.
 */
import { avalanche32, hashString, mix32 } from "../../src/base/hash.ts";
import type { HotExpert } from "../../src/model/actor.ts";
import type { RoutingChoices } from "../../src/model/routing.ts";

const SALT = 0x1f83d9ab;
const MILLION = 1_000_000;
/** 2^-32. */
const UNIT = 2.3283064365386963e-10;

/** Which tokens of which exchange. */
export interface HotPlace {
  readonly group: number;
  readonly rank: number;
  /** As for the routing source: steps of a chain are steps of their own. */
  readonly step: number;
  /** Layer of the model. */
  readonly layer: number;
  readonly tokens: number;
  readonly topK: number;
}

export class HotExperts {
  readonly #seed: number;

  /** `seed`: the run's, decimal text. */
  constructor(seed: string) {
    this.#seed = hashString(seed, SALT);
  }

  /** Changes the choices of the tokens that the hot experts draw, one expert after another. */
  draw(hot: readonly HotExpert[], at: HotPlace, choices: RoutingChoices): void {
    const { experts } = choices;
    const owner = mix32(mix32(this.#seed, at.group), at.rank);
    const batch = mix32(mix32(owner, at.step), at.layer);
    for (const { expert, sharePerMillion } of hot) {
      const drawn = mix32(batch, expert);
      for (let token = 0; token < at.tokens; token += 1) {
        const word = avalanche32(mix32(drawn, token)) >>> 0;
        if (word * UNIT * MILLION >= sharePerMillion) continue;
        const first = token * at.topK;
        if (!chooses(experts, first, at.topK, expert)) experts[first + at.topK - 1] = expert;
      }
    }
  }
}

function chooses(experts: Int32Array, first: number, topK: number, expert: number): boolean {
  for (let choice = 0; choice < topK; choice += 1) {
    if (experts[first + choice] === expert) return true;
  }
  return false;
}
