/** Command-line words, cut at spaces: for options that hold none themselves. Paths stay apart. */
export const flags = (text: string): string[] => text.split(' ')
