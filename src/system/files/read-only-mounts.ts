/** Finds mounts that no process can write to (proc_pid_mountinfo(5)). */

/** Decodes three octal digits to space, tab, newline or backslash (proc_pid_mountinfo(5)). */
export function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * Whether no process can write to a file. A read-only file system is sufficient. A read-only mount
 * may affect only this process, as in a unit with `ProtectSystem=strict`, while other processes can
 * still write. So a read-only mount is sufficient only if this process has the same mounts as
 * process 1, as in a container.
 *
 * @param path absolute, without symbolic links
 * @param mountInfo the content of /proc/self/mountinfo
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
    // A later mount at the same path covers an earlier one.
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
