/** A SIM's name, tags and group: worth having, but never worth losing a key for. */
import { UserError } from '../../lib/errors/user-error.js';
import type { SimTag, SoracomApi } from '../../soracom/soracom-api.js';

export interface SimLabels {
  /** The tag `name`. */
  readonly name?: string | undefined;
  /** Id of the group whose settings hold for the SIM. */
  readonly group?: string | undefined;
  readonly tags?: readonly SimTag[] | undefined;
}

/**
 * Puts the labels on the SIM, each that can be put.
 * @returns what could not be done, as sentences for the user; empty when all was done
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
    await attempt(`SIM ${simId} has no tag ${names}`, () => api.putSimTags(simId, all));
  }
  if (group !== undefined) {
    await attempt(`SIM ${simId} is not in group ${group}`, () => api.setSimGroup(simId, group));
  }
  return warnings;
}
