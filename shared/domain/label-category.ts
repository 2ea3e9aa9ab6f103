import type { LabelCategory } from './analysis.ts'

/** Words that both services use for what is seen most, in the singular. */
const words: Partial<Record<LabelCategory, string>> = {
  person:
    'person people human man woman boy girl child kid baby adult face head smile portrait crowd selfie groom bride family lady hand',
  animal:
    'animal mammal pet dog puppy cat kitten bird fish horse cow cattle sheep insect butterfly bear elephant reptile wildlife livestock canine carnivore',
  plant: 'plant flower tree grass leaf rose petal moss fern houseplant vegetation flora conifer palm',
  food: 'food fruit vegetable meal dish bread pizza cake dessert drink beverage coffee breakfast lunch dinner salad produce cuisine snack',
  clothing:
    'clothing clothes shirt dress hat shoe footwear jacket coat suit jeans jewelry jewellery fashion glove helmet glasses sunglasses',
  vehicle:
    'vehicle car truck bus van bicycle bike motorcycle train tram aircraft airplane boat ship transportation taxi wheel tire automobile',
  building:
    'building house tower church castle bridge skyscraper architecture city urban apartment office facade cathedral temple town',
  nature:
    'nature outdoor outdoors sky cloud mountain sea ocean lake river beach forest snow sunset sunrise landscape water desert field hill',
  indoor:
    'indoor indoors room kitchen bedroom furniture table chair couch sofa bed desk lamp floor ceiling bathroom shelf',
  sport: 'sport sports football soccer tennis basketball baseball athlete stadium ball skiing swimming gym running',
  technology:
    'computer laptop phone screen monitor electronics keyboard camera television hardware machine robot software',
  text: 'text document page book letter handwriting receipt newspaper font number word menu invoice screenshot',
  art: 'art painting drawing sculpture statue cartoon illustration sketch graphics graffiti',
  symbol: 'symbol logo flag sign emblem trademark',
  weapon: 'weapon gun rifle pistol knife sword ammunition',
  medical: 'medical hospital doctor medicine pill syringe',
}

const byWord = new Map(
  Object.entries(words).flatMap(([category, list]) =>
    list.split(' ').map((word) => [word, category as LabelCategory] as const),
  ),
)

/** A service's label in the form in which we compare them. */
export const labelName = (label: string): string => label.trim().toLowerCase().replaceAll('_', ' ')

/** By the whole name, by what the service says of it, by the name's last word: a potted plant is a plant. */
export function categoryOf(name: string, said?: LabelCategory): LabelCategory {
  return byWord.get(name) ?? said ?? byWord.get(name.slice(name.lastIndexOf(' ') + 1)) ?? 'other'
}
