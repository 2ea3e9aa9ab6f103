/** The CDN in front of this site's objects. */
export interface Delivery {
  /**
   * A URL at the edge that lets its holder GET one object until about `expiresAtMs`, in milliseconds since 1970. The same object asked for again
   * soon gives the same URL, so that caches hit.
   */
  signedUrl(
    objectKey: string,
    options: { readonly expiresAtMs: number; readonly mediaType: string; readonly disposition: string },
  ): Promise<string>
}
