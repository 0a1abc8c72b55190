"""Short forms by which people are called: they raise the rank of a candidate, and are never proof."""

_FORMS = """
abigail abby gail | albert al bert | alexander alex sandy sasha sascha | alexandra alex sandra sasha
andrew andy drew | anthony tony | antonia toni | barbara barb babs | benjamin ben benny
catherine cathy kate katie kitty | charles charlie chuck | christina chris tina
christopher chris kit | daniel dan danny | deborah debbie | donald don | dorothy dot dotty dolly
edward ed eddie ned ted teddy | eleanor ellie nell nora
elizabeth beth betty eliza liz lizzy libby lisa | elisabeth lisa lisbeth elsa ilse | emily em millie
frances fran fanny | francis frank | franziska franzi | frederick fred freddy | friedrich fritz
gabriele gabi | george georgie | gerald gerry jerry | gregory greg | hans johannes johann
heinrich heinz | henry harry hank hal | isabella bella izzy | jacob jake | james jim jimmy jamie
jennifer jenny jen | jessica jess jessie | john jack johnny | johanna hanna | jonathan jon
joseph joe joey | josef sepp | judith judy | katharina kathi kathrin | kenneth ken | lawrence larry
leonard leo len | louise lou | ludwig lutz | manuel manolo | margaret maggie meg peggy greta rita
margarete grete gretel | maria mia mariechen | mary molly polly | matthew matt
michael mick mickey mike | michaela michi | nathaniel nat nate | nicholas nick nico
olivia liv livvy | pamela pam | patricia pat patty trish tricia | patrick pat paddy | peter pete
philip phil | rebecca becky | richard dick rick ricky rich | robert bob bobby rob robbie bert
ronald ron | rosemary rose rosie | samantha sam | samuel sam sammy | sarah sally sadie
sebastian seb basti | sigrid sigi | stephen steve | steven steve | susan sue susie | susanne susi
theodore ted teddy theo | thomas tom tommy | timothy tim | ulrike uli | ulrich uli | valerie val
veronica vera ronnie | victoria vicky tori | vincent vince | walter walt | wilhelm willi
wilhelmina mina minna | william bill billy will willie liam | wolfgang wolf | zachary zach
francisco paco pancho | jose pepe | dolores lola | guadalupe lupe
"""
_GROUPS = tuple(frozenset(group.split()) for line in _FORMS.splitlines() for group in line.split("|"))
_CALLED = frozenset(name for group in _GROUPS for name in group)


def are_forms_of_one(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Is one a short form of the other, or are both of one name: Liz and Elizabeth, Bob and Rob?"""
    one, other = "".join(ours[:1]), "".join(theirs[:1])
    if one not in _CALLED or other not in _CALLED:
        return False
    return any(one in group and other in group for group in _GROUPS)
