/** Bugs of the devices and of what they share: GPUs, NICs, packets. */
import type { Bug } from "./bug.ts";

const RANDOM = "test/simulation";

export const DEVICE_BUGS: readonly Bug[] = [
  {
    id: "cargo-not-held",
    about: "A queue pair does not hold the contents of a message that it may have to send again.",
    edits: [
      {
        file: "src/model/packet.ts",
        find: "    this.cargo.retain(cargo);\n",
        replace: "",
      },
    ],
    tests: ["test/model", RANDOM],
  },
  {
    id: "cargo-cut-short",
    about: "A cargo that crosses to another worker loses its last word on the way.",
    edits: [
      {
        file: "src/engine/packet-frame.ts",
        find: "frame.set(cargo.words.subarray(first, first + length), at + 1);",
        replace: "frame.set(cargo.words.subarray(first, first + length - 1), at + 1);",
      },
    ],
    tests: ["test/model", RANDOM],
  },
  {
    id: "sum-by-order",
    about: "The sum of a token's outputs depends on the order in which they are added.",
    edits: [
      {
        file: "actors/gpu/token-sum.ts",
        find: "this.low = (this.low + Math.imul(weight, low)) | 0;",
        replace: "this.low = (Math.imul(this.low, 3) + Math.imul(weight, low)) | 0;",
      },
    ],
    tests: ["test/simulation/protocols.test.ts"],
  },
  {
    id: "masked-share-combined",
    about: "A sum that holds the share of a masked rank is added to its token.",
    edits: [
      {
        file: "actors/gpu/home-side.ts",
        find: "if (!isStale && sum.combined !== 0) batch.add(",
        replace: "if (sum.combined !== 0) batch.add(",
      },
    ],
    tests: ["test/fault", RANDOM],
  },
  {
    id: "mask-forgotten",
    about: "The gate still sends tokens to a rank that was given up.",
    edits: [
      {
        file: "actors/gpu/home-side.ts",
        find: "      if (mask !== undefined) {\n",
        replace: "      if (mask !== undefined && this.sent[rankOfPlace] > 0) {\n",
      },
    ],
    tests: ["test/fault/gpu-dead.test.ts", "test/fault"],
  },
  {
    id: "hung-answers",
    about: "A GPU whose process hangs still answers probes.",
    edits: [
      {
        file: "actors/gpu/gpu.ts",
        find: "} else if (this.#isHung) this.#held.message(packet);",
        replace:
          "} else if (this.#isHung && (words[packet + KIND] & 0xff) !== 5)" +
          " this.#held.message(packet);",
      },
    ],
    tests: ["test/fault/process-hang.test.ts"],
  },
  {
    id: "checksum-of-nothing",
    about: "A checksum covers half of a payload.",
    edits: [
      {
        file: "actors/gpu/payloads.ts",
        find: "return avalanche32(mix32(low, high));",
        replace: "return avalanche32(mix32(low, high & 0));",
      },
    ],
    tests: ["test/fault/corruption.test.ts"],
  },
  {
    id: "one-retry-more",
    about: "A queue pair tries once more than its retry count says.",
    edits: [
      {
        file: "actors/nic/nic.ts",
        find: "if (pair.retries === this.#retryCount) {",
        replace: "if (pair.retries > this.#retryCount) {",
      },
    ],
    tests: ["test/fault/rc-clock.test.ts"],
  },
  {
    id: "stale-incarnation",
    about: "A queue pair takes messages of an earlier incarnation.",
    edits: [
      {
        file: "actors/nic/queue-pairs.ts",
        find: "    return incarnationOf(psn) === this.incarnation;\n",
        replace: "    return incarnationOf(psn) <= this.incarnation;\n",
      },
    ],
    tests: ["test/actors", "test/fault"],
  },
  {
    id: "operator-unheard",
    about: "Ranks do not heed an operator's mask.",
    edits: [
      {
        file: "actors/gpu/operator.ts",
        find: "if (rank !== self && fault !== NO_FAULT) this.#masks",
        replace: "if (rank === self && fault !== NO_FAULT) this.#masks",
      },
    ],
    tests: ["test/fault/operator.test.ts"],
  },
];
