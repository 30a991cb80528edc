// Invented people have names from these lists. Any likeness is chance.

export const givenNames = list(`
  Aaliyah, Adaeze, Aino, Aleksandra, Alice, Amara, Ana, Anders, Anh, Antoine, Arjun, Astrid, Ayşe, Beatriz, Björn,
  Bogdan, Camille, Carlos, Chiara, Chloé, Chukwuma, Ciarán, Clara, Daan, Daniel, Deniz, Diego, Dilnoza, Eleni,
  Elif, Emeka, Emil, Emma, Enzo, Esther, Eun-ji, Fatima, Femi, Filip, Florence, François, Freya, Gabriel, George,
  Grace, Gustav, Hana, Hannah, Haruto, Helga, Hugo, Ibrahim, Ines, Ingrid, Isabel, Ivan, Jakub, James, Jean-Luc,
  João, Johanna, José, Julia, Jürgen, Kateřina, Kwame, Lars, Leila, Léo, Lucía, Lukas, Maeve, Magnus, Malik, Marek,
  Marie-Claire, Mateo, Mei, Mia, Mikael, Milica, Mohammed, Nadia, Naomi, Nguyen, Niamh, Nikola, Noah, Olga, Omar,
  Oscar, Paola, Paul, Pedro, Petra, Priya, Rafael, Rania, Ravi, Robert, Rosa, Samuel, Sara, Sean, Siobhán, Sofia,
  Stefan, Tariq, Thomas, Tomás, Ulrike, Vera, Victor, Wanjiru, William, Xavier, Yara, Yuki, Yusuf, Zainab, Zofia
`)

export const surnames = list(`
  Abdullah, Adeyemi, Ahmed, Álvarez, Andersson, Baker, Balogun, Bauer, Becker, Bergström, Bernard, Bianchi, Björk,
  Brown, Çelik, Chen, Clark, Costa, da Silva, Dahl, Das, D'Amico, Davies, de Vries, Delgado, Diallo, Dubois,
  Dvořák, Edwards, Eriksen, Evans, Farah, Fernández, Ferrari, Fischer, Fitzgerald, Fontaine, Foster, Fujimoto,
  García-López, Girard, González, Gray, Green, Gruber, Gupta, Haddad, Hall, Hansen, Harris, Hernández, Hill,
  Hoffmann, Horvat, Hughes, Ibarra, Ivanov, Jackson, Jansen, Jensen, Johansson, Johnson, Jones, Kamau, Kaya, Kelly,
  Khan, Kim, King, Kowalski, Krüger, Kumar, Laurent, Lefèvre, Lehtonen, Lopes, MacDonald, Mäkinen, Martin, Mbeki,
  M'Baye, McCarthy, Mendes, Meyer, Mitchell, Molina, Moreau, Müller, Murphy, Nakamura, Nguyễn, Nielsen, Nkosi,
  Novák, Nowak, O'Connor, O'Neill, Okafor, Olsen, Ortiz, Öztürk, Papadakis, Park, Patel, Pereira, Peterson,
  Petrović, Popescu, Quinn, Ramírez, Reyes, Ricci, Rossi, Roux, Sánchez, Santos, Schmidt, Schneider, Shah, Sharma,
  Silva, Simon, Singh, Smith, Sørensen, Steiner, Suzuki, Svensson, Tanaka, Taylor, Thompson, Torres, Tóth, Turner,
  van Dijk, Vargas, Vasquez, Virtanen, Vogel, Walker, Walsh, Wang, Weber, White, Wilson, Wood, Wright, Yamamoto,
  Yılmaz, Young, Zhang, Žukauskas
`)

/** Names as they really are: what breaks systems that expect "First Last" in ASCII. `given` may be empty: one-word names exist. */
export const awkwardNames: readonly { readonly given: string; readonly surname: string }[] = [
  { given: 'Zoë', surname: "O'Brien" },
  { given: 'Łukasz', surname: 'Wiśniewski' },
  { given: 'Søren', surname: 'Ågård-Kjærsgaard' },
  { given: 'Giulia', surname: "D'Angelo" },
  { given: 'Maria', surname: 'Garcia' },
  { given: 'Maria', surname: 'Garcia' },
  { given: 'Maria', surname: 'Garcia' },
  // Sixty characters with the space between.
  { given: 'Maximiliane-Friederike', surname: 'von Hohenberg-Schwarzenstein-Lindenau' },
  { given: 'Γιώργος', surname: 'Παπαδόπουλος' },
  { given: 'Светлана', surname: 'Кузнецова' },
  { given: '伟', surname: '王' },
  { given: 'محمد', surname: 'الأحمد' },
  { given: '', surname: 'Sukarno' },
  { given: 'Seán', surname: 'Ó Súilleabháin' },
  { given: 'Nguyễn Thị', surname: 'Hương' },
]

/** Comma-separated words over several lines. */
function list(text: string): readonly string[] {
  return text.split(',').map((word) => word.trim())
}
