/** Which mounts nobody can write to (proc_pid_mountinfo(5)). */

/** proc_pid_mountinfo(5): space, tab, newline and backslash are three octal digits. */
export function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * Whether no process can write to a file. A file system that is read-only is so for all. A mount that is
 * read-only may be so for us alone, as in a unit with `ProtectSystem=strict`, while users of the machine
 * go on writing to it. It counts if we see what the first process sees: in a container.
 *
 * @param path absolute, without symbolic links
 * @param mountInfo the text of /proc/self/mountinfo
 */
export function isReadOnlyForAll(
  path: string,
  mountInfo: string,
  { isWholeMachine }: { readonly isWholeMachine: boolean },
): boolean {
  let found: { point: string; isReadOnly: boolean } | undefined;
  for (const line of mountInfo.split('\n')) {
    const [own = '', ofFileSystem = ''] = line.split(' - ');
    const fields = own.split(' ');
    const point = unescapeMount(fields[4] ?? '');
    if (!holds(point, path)) continue;
    // Of two mounts at one place the later one covers the other.
    if (found !== undefined && point.length < found.point.length) continue;
    const isMount = has(fields[5], 'ro') && isWholeMachine;
    found = { point, isReadOnly: isMount || has(ofFileSystem.split(' ')[2], 'ro') };
  }
  return found?.isReadOnly ?? false;
}

function holds(point: string, path: string): boolean {
  return point === '/' || path === point || (point !== '' && path.startsWith(`${point}/`));
}

function has(options: string | undefined, option: string): boolean {
  return (options ?? '').split(',').includes(option);
}
