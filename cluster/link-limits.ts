/** What all ports and links of a run have in common. */

/** How long a connection may take to prove itself, wall ms. */
export const AUTH_WITHIN_MS = 2000;

/**
 * More connections than one process of a run ever has; strangers among them are dropped when their
 * time is up.
 */
export const MOST_CONNECTIONS = 4096;

/**
 * Wall ms to wait, when a link has closed, for word of the process at its other end: whoever
 * started that usually knows more, a moment later.
 */
export const EXPLAIN_WITHIN_MS = 1500;
