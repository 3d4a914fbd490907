/** The first word of the command line of the process inside the namespaces of `exec --netns`. */
export const INSIDE = 'exec-inside';
