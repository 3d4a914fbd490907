/** Declares and runs `version`. */
import type { CommandDeclaration } from '../command.js';
import type { Flags } from '../flags/flag.js';
import { renderJson } from '../output/render.js';

const flags = {
  json: {
    type: 'boolean',
    description: 'Print the version as JSON (the default).',
  },
} as const satisfies Flags;

export const versionCommand = {
  description: 'Print the version as JSON.',
  hiddenAliases: ['v'],
  examples: ['arctun version'],
  flags,
} satisfies CommandDeclaration;

/** Always prints JSON, because scripts parse soratun's line. */
export function versionLine(version: string): string {
  return renderJson({ revision: '', version });
}
