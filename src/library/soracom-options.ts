/** How a program signs in to the SORACOM API. */

/**
 * The credentials for the SORACOM API: an auth key, a file that contains one, or a profile of
 * soracom-cli. Missing values come from the environment variables that the commands use, then from
 * the profile in arc.json (docs/reference/credentials.md).
 */
export interface SoracomCredentials {
  /** Begins with `keyId-`. */
  readonly authKeyId?: string | undefined;
  /** Begins with `secret-`. */
  readonly authKey?: string | undefined;
  /** The path of a file that contains the auth key. */
  readonly authKeyFile?: string | undefined;
  /** The name of a soracom-cli profile. */
  readonly profile?: string | undefined;
  /** The account's coverage: `jp` (Japan) or `g` (Global). */
  readonly coverage?: 'jp' | 'g' | undefined;
}

export interface SoracomOptions {
  /** By default, the environment variables and the profile in arc.json provide the credentials. */
  readonly credentials?: SoracomCredentials | undefined;
  /** The base URL of the API, without `/v1`; by default, SORACOM's for the coverage. */
  readonly endpoint?: string | undefined;
}

/** The options of functions that call the SORACOM API. */
export interface SoracomCallOptions extends SoracomOptions {
  /**
   * The path or the content of an arc.json, whose profile may provide the credentials; none by
   * default.
   */
  readonly config?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}
