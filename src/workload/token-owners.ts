/**
 * Which rank owns which token of a recorded batch. Tokens with a known source rank stay there; the
 * others are spread with sequences kept whole, since one request lives on one data-parallel rank.
 * Depends on the tokens alone, never on the order in which they are listed.
 */

/** One token of a recording; `sequence` and `sourceRank` are -1 when not known. */
export interface OwnedToken {
  readonly token: number;
  readonly sequence: number;
  readonly sourceRank: number;
}

/**
 * The rank of each token. Sequences of unknown rank go longest first to the rank with the fewest
 * tokens so far (known ones counted), ties to the lower rank; of equally long ones, the one with
 * the lower first token goes first. A token of no sequence is a sequence of its own. `notes` say to
 * people what was decided.
 */
export function rankOfTokens(
  tokens: readonly OwnedToken[],
  ranks: number,
): { rankOf: Map<number, number>; notes: string[] } {
  const rankOf = new Map<number, number>();
  const load = Array.from({ length: ranks }, () => 0);
  const sequences = new Map<string, number[]>();
  let unknown = 0;
  for (const { token, sequence, sourceRank } of tokens) {
    if (sourceRank >= 0) {
      rankOf.set(token, sourceRank);
      load[sourceRank] += 1;
      continue;
    }
    unknown += 1;
    const key = sequence >= 0 ? `sequence ${sequence}` : `token ${token}`;
    const members = sequences.get(key);
    if (members === undefined) sequences.set(key, [token]);
    else members.push(token);
  }
  const bySize = [...sequences.values()].map((members) => members.sort((a, b) => a - b));
  bySize.sort((left, right) => right.length - left.length || left[0] - right[0]);
  for (const members of bySize) {
    const rank = load.indexOf(
      load.reduce((least, tokensOf) => (tokensOf < least ? tokensOf : least)),
    );
    load[rank] += members.length;
    for (const token of members) rankOf.set(token, rank);
  }
  const notes: string[] = [];
  if (unknown > 0) {
    const spread = `${bySize.length} sequences spread over ${ranks} ranks, each kept whole`;
    notes.push(`src_rank is not recorded for ${unknown} of ${tokens.length} tokens: ${spread}`);
  }
  const idle = load.filter((tokensOf) => tokensOf === 0).length;
  if (idle > 0) notes.push(`${idle} of ${ranks} ranks own no token`);
  return { rankOf, notes };
}
