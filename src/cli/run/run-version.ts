/** What `version` is, and what it prints. */
import type { CommandDeclaration } from '../command.js';
import type { Flags } from '../flags/flag.js';
import { renderJson } from '../output/render.js';

const flags = {
  json: {
    type: 'boolean',
    description: 'Print JSON, which is what is printed without it, too.',
  },
} as const satisfies Flags;

export const versionCommand = {
  description: 'Print the version as JSON.',
  hiddenAliases: ['v'],
  examples: ['arctun version'],
  flags,
} satisfies CommandDeclaration;

/** Scripts take soratun's line apart: no other form stands in its place without being asked for. */
export function versionLine(version: string): string {
  return renderJson({ revision: '', version });
}
