/** Where the API is that credentials are for. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import {
  type Coverage,
  coverageEndpoint,
  parseCoverage,
  parseEndpointUrl,
} from '../../soracom/coverage.js';
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
 */
export function authKeyEndpoint(
  chosen: ChosenConnection,
  arcProfile: ArcProfile | undefined,
): string | undefined {
  if (chosen.endpoint !== undefined) return chosen.endpoint;
  const sandbox = false;
  if (chosen.coverage !== undefined) return coverageEndpoint(chosen.coverage, { sandbox });
  if (arcProfile === undefined) return undefined;
  // In soratun a profile without an endpoint means Japan.
  return arcProfile.endpoint === ''
    ? coverageEndpoint('jp', { sandbox })
    : parseEndpointUrl(arcProfile.endpoint);
}
