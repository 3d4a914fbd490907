/** The limits of the HTTP servers for clients. Times are in ms, sizes in bytes. */
export const MAX_HEADER_SIZE = 32 * 1024;

/** The time limit for a request head, from its first byte or from the start of the connection. */
export const HEADERS_TIMEOUT = 30_000;

/** The interval at which Node checks for connections that exceed that limit. */
export const HEADERS_CHECK_INTERVAL = 5_000;

/** The keep-alive timeout. It exceeds that of most clients, so that they close first. */
export const KEEP_ALIVE_TIMEOUT = 65_000;

export const RESPONSE_TIMEOUT = 60_000;
export const IDLE_TIMEOUT = 120_000;
export const MAX_CONNECTIONS = 1024;

/** The maximum number of pipelined requests that wait on one connection. */
export const MAX_PIPELINED = 32;

/** How long a client may continue to send a dropped body before its connection is closed. */
export const DRAIN_TIMEOUT = 2_000;

/** The maximum number of forwarded interim responses per request; further ones are dropped. */
export const MAX_INTERIM = 32;
