/**
 * Who may act through the page: whoever opened a link that the terminal showed. The link has a code
 * that works once and for a while; it is exchanged for a token that lives as long as the run. The
 * token is never part of an address.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Wall ms that a code works. */
const CODE_LIVES_MS = 10 * 60_000;

/** Codes at once; the oldest goes. */
const CODES_MAX = 16;

export class PageSessions {
  readonly #codes = new Map<string, number>();
  readonly #tokens = new Set<string>();

  /** A code for one link. */
  newCode(): string {
    const code = randomBytes(24).toString("base64url");
    if (this.#codes.size >= CODES_MAX) {
      const [oldest] = this.#codes.keys();
      this.#codes.delete(oldest);
    }
    this.#codes.set(digestOf(code), Date.now() + CODE_LIVES_MS);
    return code;
  }

  /** The token for a code, which is used up; undefined: it is none, or too old. */
  exchange(code: string): string | undefined {
    const digest = digestOf(code);
    const untilMs = this.#codes.get(digest);
    this.#codes.delete(digest);
    if (untilMs === undefined || Date.now() > untilMs) return undefined;
    const token = randomBytes(32).toString("hex");
    this.#tokens.add(digestOf(token));
    return token;
  }

  /** Does an `Authorization` header carry a token of ours? */
  allows(authorization: string): boolean {
    const token = /^Bearer ([0-9a-f]{64})$/.exec(authorization)?.[1];
    if (token === undefined) return false;
    const given = Buffer.from(digestOf(token));
    return [...this.#tokens].some((known) => timingSafeEqual(Buffer.from(known), given));
  }
}

/** What is kept and compared: equal in length, and nothing that opens anything. */
function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
