/** Sets a SIM's name, tags and group. A failure is only a warning, so that the key is not lost. */
import { UserError } from '../../lib/errors/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SimTag, SoracomApi } from '../../soracom/soracom-api.js';
import { unlessForbidden } from '../sim/virtual-sims.js';

export interface SimLabels {
  /** The value of the `name` tag. */
  readonly name?: string | undefined;
  /** The ID of the SIM group. */
  readonly group?: string | undefined;
  readonly tags?: readonly SimTag[] | undefined;
}

/**
 * Checks that the group exists. Call this before any change, because SIMs are billed. Also
 * succeeds if the user is not permitted to read groups, because the user may still be allowed to
 * assign a SIM to one.
 * @throws UserError of kind `usage` if the group does not exist; ApiError
 */
export async function refuseUnknownGroup(
  { group }: SimLabels,
  api: Pick<SoracomApi, 'getGroup'>,
): Promise<void> {
  if (group === undefined) return;
  try {
    await unlessForbidden(() => api.getGroup(group));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const next = [
      'Nothing was created or changed.',
      "Copy the ID from the group's page in the user console, and check the coverage type.",
    ];
    const text = { what: `group ${group} does not exist`, why: error.why, next, cause: error };
    throw new UserError('usage', text);
  }
}

/**
 * Applies the labels to the SIM one by one and continues after a failure.
 * @returns the failures, as sentences for the user; empty if all succeeded
 */
export async function labelSim(
  simId: string,
  labels: SimLabels,
  api: Pick<SoracomApi, 'putSimTags' | 'setSimGroup'>,
): Promise<readonly string[]> {
  const { name, group, tags = [] } = labels;
  const all = [...(name === undefined ? [] : [{ tagName: 'name', tagValue: name }]), ...tags];
  const warnings: string[] = [];
  const attempt = async (text: string, action: () => Promise<void>) => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warnings.push(`${text}: ${error.why}`, ...error.next);
    }
  };
  if (all.length > 0) {
    const names = all.map(({ tagName }) => tagName).join(', ');
    await attempt(`could not set the tags of SIM ${simId} (${names})`, () =>
      api.putSimTags(simId, all),
    );
  }
  if (group !== undefined) {
    await attempt(`could not add SIM ${simId} to group ${group}`, () =>
      api.setSimGroup(simId, group),
    );
  }
  return warnings;
}
