/** Where the API is that credentials are for. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Coverage, coverageEndpoint, parseCoverage } from '../../soracom/auth/coverage.js';
import { isSoracomUrl, parseEndpointUrl } from '../../soracom/endpoint-url.js';
import { type CredentialChoice, isPresent } from './credential-choice.js';
import type { ProfileConnection } from './profile-credentials.js';

/** What flags and environment say; it ranks before any profile. */
export interface ChosenConnection {
  readonly endpoint: string | undefined;
  readonly coverage: Coverage | undefined;
}

/** @throws UserError of kind `usage` for a URL or a coverage that is none */
export function chosenConnection(
  choice: CredentialChoice,
  env: Readonly<Record<string, string | undefined>>,
): ChosenConnection {
  const urls = [choice.endpoint, env.ARCTUN_ENDPOINT, env.SORACOM_ENDPOINT];
  const coverages = [choice.coverage, env.ARCTUN_COVERAGE_TYPE, env.SORACOM_COVERAGE_TYPE];
  const url = urls.find(isPresent);
  const coverage = coverages.find(isPresent);
  return {
    endpoint: url === undefined ? undefined : parseEndpointUrl(url),
    coverage: coverage === undefined ? undefined : parseCoverage(coverage),
  };
}

/** The API of a profile of soracom-cli. A coverage that is chosen stays in its sandbox. */
export function profileEndpoint(chosen: ChosenConnection, profile: ProfileConnection): string {
  const { sandbox } = profile;
  if (chosen.endpoint !== undefined) return chosen.endpoint;
  if (chosen.coverage !== undefined) return coverageEndpoint(chosen.coverage, { sandbox });
  return profile.endpoint ?? coverageEndpoint(profile.coverage, { sandbox });
}

/**
 * The API of an auth key; arc.json's own profile says where its SIM lives.
 * @returns undefined when nothing names one
 * @throws UserError of kind `configuration` if a key that is not arc.json's own would go where arc.json
 *   says, other than to SORACOM: the author of the file would get it
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
  // In soratun a profile without an endpoint means Japan.
  if (arcProfile.endpoint === '') return coverageEndpoint('jp', { sandbox });
  const endpoint = parseEndpointUrl(arcProfile.endpoint);
  const isItsOwn = authKey?.expose() === arcProfile.authKey.expose().trim();
  if (authKey === undefined || isItsOwn || isSoracomUrl(endpoint)) return endpoint;
  throw new UserError('configuration', {
    what: 'cannot sign in to SORACOM',
    why: `the profile in arc.json names the API endpoint ${new URL(endpoint).host}, which is not SORACOM's, and the auth key is not from that profile`,
    next: [
      'The key was not sent.',
      'Name the API with --endpoint or --coverage-type, or remove the endpoint from arc.json.',
    ],
  });
}
