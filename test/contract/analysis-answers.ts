/**
 * Answers of the services, written from the API references of Amazon Rekognition and of Azure AI Vision Image Analysis (4.0 and
 * 3.2): the same picture of 800 x 600 pixels, as each would tell it.
 */
export const rekognitionAnswers: Readonly<Record<string, object>> = {
  DetectLabels: {
    Labels: [
      {
        Name: 'Dog',
        Confidence: 98.87621,
        Instances: [
          { BoundingBox: { Width: 0.25, Height: 0.5, Left: 0.125, Top: 0.25 }, Confidence: 98.87621 },
          { BoundingBox: { Width: 0.1, Height: 0.1, Left: 0.95, Top: -0.02 }, Confidence: 71.5 },
          { BoundingBox: { Width: 0.1, Height: 0.1, Left: 0.5, Top: 0.5 }, Confidence: 12 },
        ],
        Parents: [{ Name: 'Animal' }, { Name: 'Canine' }, { Name: 'Mammal' }, { Name: 'Pet' }],
        Aliases: [],
        Categories: [{ Name: 'Animals and Pets' }],
      },
      {
        Name: 'Potted Plant',
        Confidence: 80.1,
        Instances: [],
        Parents: [],
        Aliases: [],
        Categories: [{ Name: 'Plants and Flowers' }],
      },
      { Name: 'Zephyr', Confidence: 55, Instances: [], Parents: [], Aliases: [], Categories: [] },
    ],
    LabelModelVersion: '3.0',
  },
  DetectText: {
    TextDetections: [
      {
        DetectedText: 'OPEN 24 HOURS',
        Type: 'LINE',
        Id: 0,
        Confidence: 93.5,
        Geometry: {
          BoundingBox: { Width: 0.5, Height: 0.1, Left: 0.25, Top: 0.05 },
          Polygon: [
            { X: 0.25, Y: 0.05 },
            { X: 0.75, Y: 0.05 },
            { X: 0.75, Y: 0.15 },
            { X: 0.25, Y: 0.15 },
          ],
        },
      },
      {
        DetectedText: 'OPEN',
        Type: 'WORD',
        Id: 1,
        ParentId: 0,
        Confidence: 99,
        Geometry: { BoundingBox: { Width: 0.2, Height: 0.1, Left: 0.25, Top: 0.05 }, Polygon: [] },
      },
    ],
    TextModelVersion: '3.0',
  },
  DetectFaces: {
    FaceDetails: [
      {
        BoundingBox: { Width: 0.1, Height: 0.2, Left: 0.6, Top: 0.3 },
        Landmarks: [{ Type: 'eyeLeft', X: 0.63, Y: 0.37 }],
        Pose: { Roll: -5.06, Yaw: 4.04, Pitch: 1.62 },
        Quality: { Brightness: 76.3, Sharpness: 94.1 },
        Confidence: 99.9,
      },
    ],
  },
  DetectModerationLabels: {
    ModerationLabels: [
      { Name: 'Weapon Violence', ParentName: 'Graphic Violence', Confidence: 81.2, TaxonomyLevel: 3 },
      { Name: 'Graphic Violence', ParentName: 'Violence', Confidence: 81.2, TaxonomyLevel: 2 },
      { Name: 'Violence', ParentName: '', Confidence: 81.2, TaxonomyLevel: 1 },
    ],
    ModerationModelVersion: '7.0',
    ContentTypes: [],
  },
}

export const visionAnswers: Readonly<Record<string, object>> = {
  '/computervision/imageanalysis:analyze': {
    modelVersion: '2023-10-01',
    metadata: { width: 800, height: 600 },
    tagsResult: {
      values: [
        { name: 'dog', confidence: 0.9887 },
        { name: 'houseplant', confidence: 0.81 },
        { name: 'zephyr', confidence: 0.31 },
      ],
    },
    objectsResult: {
      values: [
        { boundingBox: { x: 100, y: 150, w: 200, h: 300 }, tags: [{ name: 'dog', confidence: 0.861 }] },
        { boundingBox: { x: 760, y: 0, w: 80, h: 48 }, tags: [{ name: 'dog', confidence: 0.62 }] },
      ],
    },
    readResult: {
      blocks: [
        {
          lines: [
            {
              text: 'OPEN 24 HOURS',
              boundingPolygon: [
                { x: 200, y: 33 },
                { x: 600, y: 30 },
                { x: 600, y: 90 },
                { x: 201, y: 90 },
              ],
              words: [
                { text: 'OPEN', boundingPolygon: [], confidence: 0.99 },
                { text: '24', boundingPolygon: [], confidence: 0.935 },
                { text: 'HOURS', boundingPolygon: [], confidence: 0.98 },
              ],
            },
          ],
        },
      ],
    },
  },
  '/vision/v3.2/analyze': {
    adult: {
      isAdultContent: false,
      isRacyContent: false,
      isGoryContent: true,
      adultScore: 0.0021,
      racyScore: 0.0314,
      goreScore: 0.812,
    },
    faces: [{ faceRectangle: { left: 480, top: 180, width: 80, height: 120 } }],
    requestId: '3b2c4a7e-3d0a-4d4c-9f5a-1f0a4f5f9f51',
    metadata: { width: 800, height: 600, format: 'Jpeg' },
    modelVersion: '2021-05-01',
  },
}
