/**
 * `faultplane certificates`: makes what runs over several hosts need for TLS, and the token if
 * there is none yet, and says which files go where.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import {
  AUTHORITY_FOLDER,
  AUTHORITY_KEY,
  MEMBER_DAYS,
  makeCertificates,
} from "../../cluster/tls-certificates.ts";
import { TlsFile } from "../../cluster/tls-material.ts";
import { findToken } from "../../cluster/token.ts";
import { Terminal } from "../terminal/terminal.ts";
import { Exit } from "./exit-codes.ts";
import { shellWord } from "./next-steps.ts";
import { usageError } from "./option-values.ts";

export interface CertificatesOptions {
  readonly days?: number;
  readonly renew?: true;
  readonly force?: true;
  readonly json?: true;
  readonly color: boolean;
}

/** Makes the files and prints what to do with them on stdout; returns the exit code. */
export async function certificatesCommand(
  folder: string,
  options: CertificatesOptions,
): Promise<number> {
  const { days = MEMBER_DAYS, renew, force, json } = options;
  if (renew === true && force === true) {
    throw usageError("E040", "--renew keeps the authority and --force replaces it: give one");
  }
  const what = renew === true ? "renew" : force === true ? "replace" : "new";
  const home = homedir();
  const { place: tokenPlace } = findToken({ environment: process.env, home, create: true });
  const { authorityUntilMs, memberUntilMs } = await makeCertificates({ folder, days, what });
  const memberFiles = Object.values(TlsFile).map((name) => join(folder, name));
  const authorityKey = join(folder, AUTHORITY_FOLDER, AUTHORITY_KEY);
  const answer = {
    memberFiles,
    tokenPlace,
    authorityKey,
    authorityUntil: new Date(authorityUntilMs).toISOString(),
    memberUntil: new Date(memberUntilMs).toISOString(),
  };
  const [authorityDay, memberDay] = [answer.authorityUntil, answer.memberUntil].map((text) =>
    text.slice(0, 10),
  );
  const lines = [
    `certificates in ${folder}: authority until ${authorityDay}, members until ${memberDay}`,
    "",
    "Copy to a folder of every host that takes part, over a safe way, mode 0600:",
    ...memberFiles.map((path) => `  ${path}`),
    `  such as: scp -p ${memberFiles.map(shellWord).join(" ")} HOST:FOLDER/`,
    "The same for the token; to ~/.config/faultplane/token it is found by itself:",
    `  ${tokenPlace}`,
    "Keep here, and copy nowhere, for it makes members:",
    `  ${authorityKey}`,
  ];
  const text = json === true ? `${JSON.stringify(answer)}\n` : `${lines.join("\n")}\n`;
  await new Terminal(options.color).result(text);
  return Exit.pass;
}
