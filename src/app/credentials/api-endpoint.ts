/** Chooses the API endpoint for the credentials. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Secret } from '../../lib/secrets/secret.js';
import { fromSetting } from '../../lib/errors/from-setting.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Coverage, coverageEndpoint, parseCoverage } from '../../soracom/auth/coverage.js';
import { isSoracomUrl, parseEndpointUrl } from '../../soracom/endpoint-url.js';
import { type CredentialChoice, isPresent } from './credential-choice.js';
import type { ProfileConnection } from './profile-credentials.js';

/** The settings from flags and environment variables, which override any profile. */
export interface ChosenConnection {
  readonly endpoint: string | undefined;
  readonly coverage: Coverage | undefined;
}

/** @throws UserError of kind `usage` for an invalid URL or coverage type */
export function chosenConnection(
  choice: CredentialChoice,
  env: Readonly<Record<string, string | undefined>>,
): ChosenConnection {
  const urls = {
    '--endpoint': choice.endpoint,
    ARCTUN_ENDPOINT: env.ARCTUN_ENDPOINT,
    SORACOM_ENDPOINT: env.SORACOM_ENDPOINT,
  };
  const coverages = {
    '--coverage-type': choice.coverage,
    ARCTUN_COVERAGE_TYPE: env.ARCTUN_COVERAGE_TYPE,
    SORACOM_COVERAGE_TYPE: env.SORACOM_COVERAGE_TYPE,
  };
  return {
    endpoint: firstPresent(urls, (text) => parseEndpointUrl(text)),
    coverage: firstPresent(coverages, parseCoverage),
  };
}

/** Parses the value of the first setting that has one; undefined if none has. */
function firstPresent<T>(
  settings: Readonly<Record<string, string | undefined>>,
  parse: (text: string) => T,
): T | undefined {
  for (const [setting, text] of Object.entries(settings)) {
    if (isPresent(text)) return fromSetting(setting, () => parse(text));
  }
  return undefined;
}

/**
 * Returns an endpoint for a request without credentials: Japan's if no setting chooses another.
 * @throws UserError for an invalid URL or coverage type
 */
export function publicEndpoint(
  chosen: ChosenConnection,
  arcProfile: ArcProfile | undefined,
): string {
  const { endpoint = '' } = arcProfile ?? {};
  return (
    chosen.endpoint ??
    (chosen.coverage === undefined && endpoint !== ''
      ? parseEndpointUrl(endpoint)
      : coverageEndpoint(chosen.coverage ?? 'jp', { sandbox: false }))
  );
}

/**
 * Returns the API endpoint of a soracom-cli profile. The chosen coverage type does not affect
 * whether the profile uses the sandbox.
 */
export function profileEndpoint(chosen: ChosenConnection, profile: ProfileConnection): string {
  const { sandbox } = profile;
  if (chosen.endpoint !== undefined) return chosen.endpoint;
  if (chosen.coverage !== undefined) return coverageEndpoint(chosen.coverage, { sandbox });
  return profile.endpoint ?? coverageEndpoint(profile.coverage, { sandbox });
}

/**
 * Returns the API endpoint for an auth key; the profile in arc.json contains the API endpoint of
 * its SIM.
 * @returns undefined if no source gives an endpoint
 * @throws UserError of kind `configuration` if the endpoint in arc.json is not SORACOM's and the
 * key is from another source, because the key would be sent to whatever server the author of
 * arc.json chose
 */
export function authKeyEndpoint(
  chosen: ChosenConnection,
  arcProfile: ArcProfile | undefined,
  authKey: Secret<string> | undefined,
): string | undefined {
  if (chosen.endpoint !== undefined) return chosen.endpoint;
  const sandbox = false;
  if (chosen.coverage !== undefined) return coverageEndpoint(chosen.coverage, { sandbox });
  if (arcProfile === undefined) return undefined;
  // In soratun, a profile without an endpoint means Japan coverage.
  if (arcProfile.endpoint === '') return coverageEndpoint('jp', { sandbox });
  const endpoint = parseEndpointUrl(arcProfile.endpoint);
  const isItsOwn = authKey?.expose() === arcProfile.authKey.expose().trim();
  if (authKey === undefined || isItsOwn || isSoracomUrl(endpoint)) return endpoint;
  throw new UserError('configuration', {
    what: 'cannot sign in to SORACOM',
    why: `the API endpoint in arc.json (${new URL(endpoint).host}) does not belong to SORACOM, and the auth key does not come from arc.json`,
    next: [
      'The key was not sent.',
      'Choose the API with --endpoint or --coverage-type, or remove the endpoint from arc.json.',
    ],
  });
}
