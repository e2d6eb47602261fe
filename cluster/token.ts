/**
 * The token by which the processes of runs on several hosts know each other: 32 random bytes that
 * an operator keeps in a file of their own, or passes in the environment. Never an argument, which
 * everybody on the host can read; never printed, not even a wrong one.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "./errors.ts";
import { createSecret, readSecret, unusable } from "./secret-file.ts";

/** Variables of the environment that say where the token is. */
export const TokenEnv = {
  /** The token itself, 64 hexadecimal digits. */
  token: "FAULTPLANE_TOKEN",
  /** The file that holds it. */
  file: "FAULTPLANE_TOKEN_FILE",
  /** The folder of user-specific configuration files (XDG Base Directory Specification). */
  configuration: "XDG_CONFIG_HOME",
} as const;

/** Bytes of a token. */
const TOKEN_BYTES = 32;

/** A token file has 64 digits and perhaps a line ending; anything much larger is none. */
const FILE_BYTES_MAX = 256;

export interface TokenSource {
  /** Of this process; the token is taken out of it. */
  readonly environment: NodeJS.ProcessEnv;
  /** A file that the operator named; goes before the environment's file. */
  readonly tokenFile?: string;
  /** The user's home folder. */
  readonly home: string;
  /** Make the default file when nothing names a token and there is none yet. */
  readonly create: boolean;
}

/** A token and where it was found. */
export interface FoundToken {
  /** 32 bytes. */
  readonly token: Uint8Array;
  /** A file, or the name of a variable of the environment. */
  readonly place: string;
}

/**
 * The token, 32 bytes: of FAULTPLANE_TOKEN, else of the file that was named, else of
 * FAULTPLANE_TOKEN_FILE, else of the default file. Throws E045, exit code 77, when there is none or
 * it cannot be used; the message names the place and never the token.
 */
export function readToken(source: TokenSource): Uint8Array {
  return findToken(source).token;
}

/** As {@link readToken}, with the place. */
export function findToken(source: TokenSource): FoundToken {
  const { environment, home } = source;
  const given = environment[TokenEnv.token];
  delete environment[TokenEnv.token];
  if (given !== undefined && given !== "") {
    return { token: tokenOf(given, TokenEnv.token), place: TokenEnv.token };
  }
  if (source.tokenFile === "") throw unusable("the name of the token file is empty");
  const named = source.tokenFile ?? environment[TokenEnv.file];
  if (named !== undefined && named !== "") {
    const token = tokenIn(named);
    if (token === undefined) throw unusable(`token file '${named}': no such file`);
    return { token, place: named };
  }
  const path = defaultTokenFile(environment, home);
  if (source.create) createTokenFile(path);
  const token = tokenIn(path);
  if (token !== undefined) return { token, place: path };
  throw unusable(
    `there is no token: ${TokenEnv.token} is not set, and there is no '${path}'`,
    "copy the file from the host that coordinates, mode 0600",
  );
}

/** Where the token is when nothing says otherwise. */
function defaultTokenFile(environment: NodeJS.ProcessEnv, home: string): string {
  const folder = environment[TokenEnv.configuration];
  // The specification has relative paths ignored.
  const base = folder?.startsWith("/") === true ? folder : join(home, ".config");
  return join(base, "faultplane", "token");
}

function createTokenFile(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createSecret(path, `${randomBytes(TOKEN_BYTES).toString("hex")}\n`);
  } catch (error) {
    throw unusable(`cannot create the token file '${path}': ${messageOf(error)}`);
  }
}

function tokenIn(path: string): Uint8Array | undefined {
  const bytes = readSecret(path, FILE_BYTES_MAX);
  return bytes && tokenOf(Buffer.from(bytes).toString("latin1").trimEnd(), `'${path}'`);
}

function tokenOf(text: string, place: string): Uint8Array {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  const found = text.length === 64 ? "other characters" : `${text.length} characters`;
  throw unusable(`the token in ${place} is no 64 hexadecimal digits: it has ${found}`);
}
