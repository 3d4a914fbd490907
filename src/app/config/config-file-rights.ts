/** Checks the permissions of arc.json: its commands run as this user, and its key is secret. */
import { quote } from 'shell-quote';

import type { OtherWriter } from '../../ports/files.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { LoadedArcConfig } from './load-arc-config.js';

/**
 * @throws UserError of kind `permission` if the file has commands, and any user except the current
 * one and root could have written the file
 */
export function refuseHooksOfOthers(arcConfig: LoadedArcConfig): void {
  const { original, source, otherWriters = [] } = arcConfig;
  const [first] = otherWriters;
  const { preUp, postUp, preDown, postDown } = original;
  const hasHooks = [preUp, postUp, preDown, postDown].some((commands) => commands.length > 0);
  if (first === undefined || !hasHooks) return;
  throw new UserError('permission', {
    what: `cannot run the commands in ${source}`,
    why: whoWrites(first),
    next: [
      'No command was run and nothing was changed.',
      ...remedies(otherWriters),
      'Or remove preUp, postUp, preDown and postDown from the file.',
    ],
  });
}

/** Returns a warning if other users can read the file, otherwise undefined. */
export function readableWarning({ path, readableMode }: LoadedArcConfig): string | undefined {
  if (path === undefined || readableMode === undefined) return undefined;
  return `other users can read ${path}, which contains a private key (mode ${octal(readableMode)}). Run: chmod 600 ${quote([path])}`;
}

function whoWrites(writer: OtherWriter): string {
  switch (writer.fault) {
    case 'owner': {
      const { isFolder, path, owner } = writer;
      return `${kindOf(isFolder)} ${path} belongs to user ${owner}, who could change the commands`;
    }
    case 'mode': {
      const { isFolder, path, mode } = writer;
      return `other users can write to ${kindOf(isFolder)} ${path} (mode ${octal(mode)})`;
    }
    case 'replaced':
      return `${writer.path} was replaced while arctun was reading it`;
  }
}

function remedies(writers: readonly OtherWriter[]): string[] {
  const open = writers.filter(({ fault }) => fault === 'mode').map(({ path }) => path);
  const owned = writers.filter((writer) => writer.fault === 'owner');
  const files = owned.filter(({ isFolder }) => !isFolder).map(({ path }) => path);
  const user = owned[0]?.user ?? 0;
  const safe =
    user === 0
      ? 'Move the file to a folder that only root can change, such as /etc/arctun.'
      : 'Move the file to a folder that only you can change.';
  return [
    ...(owned.some(({ isFolder }) => isFolder) ? [safe] : []),
    ...(files.length > 0 ? [`Run as root: chown -h ${user} ${quote(files)}`] : []),
    ...(open.length > 0 ? [`Run: chmod go-w ${quote(open)}`] : []),
    ...(writers.some(({ fault }) => fault === 'replaced') ? ['Run the command again.'] : []),
  ];
}

function kindOf(isFolder: boolean): string {
  return isFolder ? 'the folder' : 'the file';
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
