/** The bounds of what speaks HTTP with clients. Times are in ms, sizes in bytes. */
export const MAX_HEADER_SIZE = 32 * 1024;

/** For the head of a request, from its first byte or from the connection's start. */
export const HEADERS_TIMEOUT = 30_000;

/** How often Node looks for connections over that time. */
export const HEADERS_CHECK_INTERVAL = 5_000;

/** For an idle connection. Longer than most clients keep theirs, so that they close first. */
export const KEEP_ALIVE_TIMEOUT = 65_000;

export const RESPONSE_TIMEOUT = 60_000;
export const IDLE_TIMEOUT = 120_000;
export const MAX_CONNECTIONS = 1024;

/** Requests of one connection that wait for the answers to those before them. */
export const MAX_PIPELINED = 32;

/** For a client to stop sending a body that nobody reads, before its connection is closed. */
export const DRAIN_TIMEOUT = 2_000;

/** Interim answers that are passed on for one request; what more of them come are dropped. */
export const MAX_INTERIM = 32;
