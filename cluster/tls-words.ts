/** What goes wrong between two ends that speak TLS, in words that say what to mend. */
import { messageOf, systemCodeOf } from "./errors.ts";

/**
 * How far a call has come: a connection was asked for, without or with TLS; TLS is up as far as
 * this end can tell, for it has accepted the other end's certificate; both ends talk.
 */
export type DialStage = "plain" | "tls" | "secure" | "open";

/** Why a call came to nothing, and whether TLS has to do with it. */
export interface DialFailure {
  readonly why: string;
  readonly isTls: boolean;
}

const OTHER_AUTHORITY = "a certificate of another CA";
const EXPIRED = "a certificate that has expired";
const OTHER_END_PLAIN = "a plain connection to a TLS port";
const THIS_END_PLAIN = "TLS to a plain port";
const NO_CERTIFICATE = "no certificate";
const OLD_VERSION = "a version of TLS before 1.3";
const WRONG_NAME = "a certificate with another name";

/** By code of Node, of OpenSSL's verification, or of an alert from the other end. */
const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: "a certificate that is not valid yet, or a clock that is wrong",
  CERT_SIGNATURE_FAILURE: OTHER_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: "a self-signed certificate",
  INVALID_PURPOSE: "a certificate for another purpose",
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: WRONG_NAME,
  ERR_SSL_HTTP_REQUEST: OTHER_END_PLAIN,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: NO_CERTIFICATE,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: NO_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: OLD_VERSION,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: OTHER_AUTHORITY,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_VERSION,
  ERR_SSL_WRONG_VERSION_NUMBER: THIS_END_PLAIN,
};

/** OpenSSL's own words where Node reports `EPROTO` for everything. */
const OPENSSL_WORDS: readonly (readonly [text: string, words: string])[] = [
  ["wrong version number", THIS_END_PLAIN],
  ["alert protocol version", OLD_VERSION],
  ["unsupported protocol", OLD_VERSION],
  ["alert certificate required", NO_CERTIFICATE],
  ["alert unknown ca", OTHER_AUTHORITY],
];

/** Why the accepting end turned a connection away; undefined when TLS has nothing to do with it. */
export function tlsWordsOf(code: string, message: string): string | undefined {
  if (Object.hasOwn(WORDS, code)) return WORDS[code];
  return OPENSSL_WORDS.find(([text]) => message.includes(text))?.[1];
}

/** Why the dialling end did not come through, as far as this end can know. */
export function dialFailure(error: unknown, stage: DialStage): DialFailure {
  const code = systemCodeOf(error);
  const words = tlsWordsOf(code, messageOf(error));
  if (words !== undefined) return { why: words, isTls: true };
  const hungUp = code === "ECONNRESET" || code === "EPIPE";
  if (!hungUp || stage === "open") return { why: messageOf(error), isTls: false };
  switch (stage) {
    case "secure":
      // In TLS 1.3 the other end judges our certificate after we are through, and hangs up.
      return { why: "it did not accept our certificate: of another CA, or expired", isTls: true };
    case "tls":
      return { why: "it broke off the TLS handshake", isTls: true };
    case "plain":
      return {
        why: "it hung up without a word, as a TLS port does on a plain connection",
        isTls: false,
      };
  }
}
